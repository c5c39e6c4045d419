import { html } from 'hono/html';
import type { DeliveryDetail } from '../../schemas.ts';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import type { PageContext } from '../parts/page-context.ts';
import { pathOfDelivery } from '../parts/paths.ts';

/** Asks for one delivery again. One that was delivered must be asked for on purpose. */
export function renderReplayForm(c: PageContext, delivery: DeliveryDetail): Html {
  const { app, consumer, notificationId: id, state } = delivery;
  return html`<form class="act" method="post" action="${pathOfDelivery({ app, consumer, id })}/replay" aria-label="Replay">${csrfField(c)}
<h2>Replay</h2>
<p class="muted">${describeReplay(delivery)}</p>
<p class="field"><label for="replay-reason">Reason <span class="muted">(kept in the audit)</span></label><input id="replay-reason" name="reason" maxlength="500" autocomplete="off"></p>
${state === 'delivered' ? html`<p><label class="check"><input type="checkbox" name="force" value="true" required> Send it again although ${consumer} has it</label></p>` : ''}
<p class="buttons"><button type="submit">Replay</button> <button type="submit" name="resign" value="true">Replay re-signed</button></p>
</form>`;
}

function describeReplay({ consumer, state, headers }: DeliveryDetail): string {
  const signedAt = headers['x-zm-request-timestamp'];
  const resign = `Re-signed, it carries a fresh timestamp and signature instead of Zoom’s${signedAt === undefined ? '' : ` of ${signedAt}`}.`;
  switch (state) {
    case 'delivered':
      return `${consumer} has it already. ${resign}`;
    case 'dead':
      return `It is put back and attempted anew, with the whole schedule. ${resign}`;
    case 'delayed':
      return `Its next attempt is made now. ${resign}`;
    case 'waiting':
    case 'active':
      return 'It is on its way: a replay changes nothing.';
  }
}
