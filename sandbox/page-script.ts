/**
 * The page's script: exchanges the cards that changed, whenever the server says that something did. Without it the page reloads itself
 * and its buttons are plain forms.
 */
export const pageScript = `
const board = document.getElementById("board");
let wanted = false, busy = false;

async function refresh() {
  wanted = true;
  if (busy) return;
  busy = true;
  while (wanted) {
    wanted = false;
    // A card that is exchanged between pressing and letting go of its button would swallow the click.
    while (board.querySelector("button:active")) await new Promise((done) => setTimeout(done, 50));
    const answer = await fetch("/sandbox/board").catch(() => null);
    if (answer?.ok) {
      showMood(answer.headers.get("x-norce-mood"));
      exchange(await answer.text());
    }
    await new Promise((done) => setTimeout(done, 120));
  }
  busy = false;
}

function showMood(mood) {
  for (const button of document.querySelectorAll("[aria-pressed]")) button.setAttribute("aria-pressed", String(button.value === mood));
}

function exchange(text) {
  const focused = document.activeElement?.id;
  const next = document.createElement("template");
  next.innerHTML = text;
  let before = board.firstElementChild;
  for (const card of [...next.content.children]) {
    const old = document.getElementById(card.id);
    if (old && old.dataset.version === card.dataset.version) {
      if (old === before) before = before.nextElementSibling;
      else board.insertBefore(old, before);
      continue;
    }
    if (old) {
      if (old === before) before = before.nextElementSibling;
      old.replaceWith(card);
    } else {
      card.classList.add("new");
      board.insertBefore(card, before);
    }
  }
  while (before) {
    const rest = before.nextElementSibling;
    before.remove();
    before = rest;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { accept: "text/plain" } }).catch(() => null);
  const problem = document.getElementById("problem");
  problem.hidden = Boolean(answer?.ok);
  if (!answer?.ok) problem.textContent = answer ? await answer.text() : "The service does not answer.";
  refresh();
});

const changes = new EventSource("/sandbox/changes");
changes.onmessage = refresh;
changes.onopen = () => { document.body.classList.remove("offline"); refresh(); };
changes.onerror = () => document.body.classList.add("offline");
`;
