// The tail: puts rows that the relay has rendered on top of the list, or in the place of their former selves.

const live = document.getElementById('live');
const body = document.getElementById('live-rows');
const state = document.getElementById('live-state');
const button = document.getElementById('live-pause');
const empty = document.getElementById('live-empty');
const maxRows = 200;
const maxHeld = 200;

const held = new Map();
const isHeldBy = { button: false, pointer: false, focus: false };

function isHeld() {
  return isHeldBy.button || isHeldBy.pointer || isHeldBy.focus;
}

/** Markup made by the relay, every value of it escaped. */
function parseRow(markup) {
  const template = document.createElement('template');
  template.innerHTML = markup;
  return template.content.querySelector('tr');
}

function show(row) {
  const former = document.getElementById(row.id);
  if (former === null) body.prepend(row);
  else if (former.textContent !== row.textContent) former.replaceWith(row);
  else return;
  row.classList.add('fresh');
  while (body.children.length > maxRows) body.lastElementChild.remove();
  empty.hidden = true;
}

function release() {
  if (isHeld()) return describe();
  for (const row of held.values()) show(row);
  held.clear();
  describe();
}

let connection = 'connecting…';
function describe() {
  const waiting = held.size === 0 ? '' : `, ${held.size} new or changed`;
  const text = isHeld() ? `○ paused${waiting}` : connection;
  if (state.textContent !== text) state.textContent = text;
}

function connect() {
  const source = new EventSource(live.dataset.events);
  source.addEventListener('row', ({ data }) => {
    const row = parseRow(data);
    if (row === null) return;
    held.delete(row.id);
    held.set(row.id, row);
    if (held.size > maxHeld) held.delete(held.keys().next().value);
    release();
  });
  source.addEventListener('here', () => {
    connection = '● live';
    document.dispatchEvent(new CustomEvent('dashboard:fresh'));
    describe();
  });
  source.addEventListener('error', () => {
    const isOver = source.readyState === EventSource.CLOSED;
    connection = isOver ? '✗ ended: reload the page' : '▲ connecting again…';
    const why = isOver
      ? 'the relay refused: the store is away, you are logged out, or 20 watch already'
      : 'connecting again';
    document.dispatchEvent(new CustomEvent('dashboard:stale', { detail: why }));
    describe();
  });
}

function hold(by, value) {
  isHeldBy[by] = value;
  release();
}

button.addEventListener('click', () => {
  hold('button', !isHeldBy.button);
  button.setAttribute('aria-pressed', String(isHeldBy.button));
  button.textContent = isHeldBy.button ? 'Go on' : 'Pause';
});
body.addEventListener('pointerenter', () => hold('pointer', true));
body.addEventListener('pointerleave', () => hold('pointer', false));
body.addEventListener('focusin', () => hold('focus', true));
body.addEventListener('focusout', () => hold('focus', false));
connect();
