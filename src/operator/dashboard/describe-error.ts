/** What a page says when it cannot show what was asked for. */
export interface ErrorWords {
  readonly title: string;
  readonly happened: string;
  /** What it means for the deliveries. */
  readonly lost: string;
  readonly next: string;
}

const nothing = 'Nothing is lost by this, and nothing was changed.';

/**
 * @param code an `ErrorCode`; others are described in general
 * @param message of the error, where it says more than the code; holds no secret
 */
export function describeError(code: string, message: string): ErrorWords {
  switch (code) {
    case 'store_unavailable':
      return {
        title: 'The store is away',
        happened: 'The relay cannot reach its store, or the store takes too long.',
        lost: 'What was acknowledged is in the store and is not lost. Zoom gets 503 meanwhile, and repeats after 5, 20 and 60 minutes.',
        next: 'Bring the store back; /readyz says why it is not ready. Then reload this page.',
      };
    case 'delivery_unknown':
      return {
        title: 'No such delivery',
        happened: sentence(message),
        lost: 'Delivered ones are kept for RETAIN_DELIVERED, dead ones for RETAIN_DEAD, and removed after that.',
        next: 'Look for it in the list of deliveries.',
      };
    case 'app_unknown':
    case 'consumer_unknown':
      return {
        title: 'No such app or consumer',
        happened: 'The relay is not configured with an app or consumer of this name.',
        lost: nothing,
        next: 'The overview lists all consumers.',
      };
    case 'connect_off':
      return {
        title: 'Nobody can connect yet',
        happened: sentence(message),
        lost: nothing,
        next: 'README.md says under “Connect people’s Zoom” what each of these is.',
      };
    case 'connection_unknown':
      return {
        title: 'No such connection',
        happened: sentence(message),
        lost: nothing,
        next: 'The list of connections has those that there are; the audit says who ended one.',
      };
    case 'recall_refused':
      return {
        title: 'Recall refused',
        happened: sentence(message),
        lost: nothing,
        next: 'Go back and see how the connection is; the person may have to connect again.',
      };
    case 'replay_unknown':
      return {
        title: 'No such replay',
        happened: 'It never was, or it ended so long ago that it is not kept any more.',
        lost: 'The deliveries it replayed are still in the list of deliveries; the audit says who asked for it.',
        next: 'Look at the list of replays.',
      };
    case 'replay_active':
      return {
        title: 'A replay is under way',
        happened: sentence(message),
        lost: nothing,
        next: 'Wait until it has ended, or cancel it.',
      };
    case 'cursor_invalid':
      return {
        title: 'This page of the list is gone',
        happened: 'The link to the next page does not fit this list.',
        lost: nothing,
        next: 'Begin at the first page.',
      };
    case 'role_insufficient':
      return {
        title: 'You may look, not act',
        happened: 'The token you logged in with has the role read.',
        lost: nothing,
        next: 'Log in with a token that has the role operate.',
      };
    case 'csrf_refused':
      return {
        title: 'This form is too old',
        happened: 'It was not sent by a page of this relay, or you have logged in anew since it was shown.',
        lost: nothing,
        next: 'Go back, reload the page, and send it again.',
      };
    case 'input_invalid':
      return {
        title: 'This cannot be done',
        happened: sentence(message),
        lost: nothing,
        next: 'Go back and change it.',
      };
    case 'route_unknown':
      return {
        title: 'There is nothing here',
        happened: 'The relay has no page at this path.',
        lost: nothing,
        next: 'Begin at the overview.',
      };
    case 'overloaded':
      return { title: 'Too many at once', happened: sentence(message), lost: nothing, next: 'Try again later.' };
    default:
      return {
        title: 'This did not work',
        happened: sentence(message),
        lost: nothing,
        next: 'Go back and try again; the log says more.',
      };
  }
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
