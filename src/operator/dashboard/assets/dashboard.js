// On every page: whether what is shown is fresh, and what to say when a request did not work.

const freshness = document.getElementById('freshness');
const notice = document.getElementById('notice');

function timeNow() {
  return `${new Date().toISOString().slice(11, 19)} UTC`;
}

function showFreshness(kind, sign, words) {
  freshness.className = kind;
  freshness.querySelector('.sign').textContent = sign;
  freshness.querySelector('.words').textContent = words;
}

const shownAt = timeNow();
let freshAt = shownAt;

/** Says that the page is as of now. The tail says so too. */
function markFresh() {
  freshAt = timeNow();
  showFreshness('live', '●', `live, ${freshAt}`);
}

function markStale(why) {
  showFreshness('stale', '✗', `not fresh since ${freshAt}: ${why}`);
}

function tell(text) {
  notice.textContent = text;
  notice.hidden = text === '';
}

function isPoll({ detail }) {
  return detail.requestConfig.elt.getAttribute('hx-trigger')?.startsWith('every') ?? false;
}

/** Error pages say in their heading what happened. */
function headingOf(text) {
  return new DOMParser().parseFromString(text, 'text/html').querySelector('h1')?.textContent ?? '';
}

let isPressed = false;
for (const name of ['pointerdown', 'keydown']) addEventListener(name, () => (isPressed = true), true);
for (const name of ['pointerup', 'pointercancel', 'keyup', 'blur'])
  addEventListener(name, () => (isPressed = false), true);

/** Whether somebody is about to press something in there, or has marked some text to copy. */
function isInUse(element) {
  const selection = getSelection();
  const isMarked = selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
  return isPressed || isMarked;
}

// What refreshes by itself is not taken from under somebody's finger: the next refresh comes soon.
document.addEventListener('htmx:beforeSwap', (event) => {
  if (isPoll(event) && isInUse(event.detail.target)) {
    event.detail.shouldSwap = false;
  }
});

document.addEventListener('htmx:afterRequest', (event) => {
  if (!event.detail.successful) return;
  if (isPoll(event)) markFresh();
  else tell('');
});

document.addEventListener('htmx:responseError', (event) => {
  const { status, responseText } = event.detail.xhr;
  const what = headingOf(responseText) || (status === 401 ? 'You are logged out' : 'The relay refused');
  if (isPoll(event)) markStale(`${what.toLowerCase()} (${status})`);
  else tell(`${what} (${status}). Nothing was changed; reload the page and try again.`);
});

document.addEventListener('htmx:sendError', (event) => {
  if (isPoll(event)) markStale('the relay does not answer');
  else tell('The relay does not answer. Reload the page to see whether it was done.');
});

document.addEventListener('dashboard:fresh', markFresh);
document.addEventListener('dashboard:stale', (event) => markStale(event.detail));

// Where the browser lets pages copy, what is to be copied has a button for it.
for (const button of document.querySelectorAll('button[data-copies]')) {
  const source = document.getElementById(button.dataset.copies);
  button.hidden = navigator.clipboard === undefined;
  button.addEventListener('click', async () => {
    source.select();
    await navigator.clipboard.writeText(source.value).then(
      () => (button.textContent = 'Copied'),
      () => tell('The browser does not let this page copy: the text is marked, copy it yourself.'),
    );
  });
}
