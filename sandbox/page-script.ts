/**
 * The page's script: exchanges the cards that changed, whenever the server says that something did. What is open stays open, what has the
 * focus keeps it, and what went wrong stands beside the button that was pressed. Without it the page reloads itself and its buttons are plain forms.
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
    while (document.querySelector("button:active")) await new Promise((done) => setTimeout(done, 50));
    const answer = await fetch("/sandbox/board" + location.search).catch(() => null);
    if (answer?.ok) {
      const next = document.createElement("template");
      next.innerHTML = await answer.text();
      showMoods(next.content);
      exchange(next.content.querySelector("[data-board]"));
    }
    await new Promise((done) => setTimeout(done, 120));
  }
  busy = false;
}

/** The selects above the cards are not touched: somebody may be choosing. */
function showMoods(next) {
  for (const button of next.querySelectorAll("[aria-pressed]")) document.getElementById(button.id)?.setAttribute("aria-pressed", button.getAttribute("aria-pressed"));
  const [told, now] = [document.querySelector("#panel [role=status]"), next.querySelector("#panel [role=status]")];
  if (told && now && told.textContent !== now.textContent) { told.textContent = now.textContent; told.className = now.className; }
}

function exchange(next) {
  const focused = document.activeElement;
  const [id, card] = [focused?.id, focused?.closest?.(".purchase")?.id];
  let before = board.firstElementChild;
  for (const card of [...next.children]) {
    const old = document.getElementById(card.id);
    if (old && old.dataset.version === card.dataset.version) {
      if (old === before) before = before.nextElementSibling;
      else board.insertBefore(old, before);
      continue;
    }
    if (old) {
      if (old === before) before = before.nextElementSibling;
      keep(old, card);
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
  if (document.activeElement === focused || !id) return;
  // A button that is possible no longer leaves the focus to its card.
  (document.getElementById(id) ?? document.getElementById(card + "-summary"))?.focus({ preventScroll: true });
}

/** What somebody opened, read or was told in a card stands in the one that takes its place. */
function keep(old, card) {
  card.open = old.open;
  for (const request of old.querySelectorAll(".request[open]")) {
    const same = [...card.querySelectorAll(".request")].find((one) => one.dataset.key === request.dataset.key);
    if (same) same.open = true;
  }
  for (const told of old.querySelectorAll(".problem")) {
    const place = card.querySelector('.problem[data-place="' + told.dataset.place + '"]');
    if (place) place.textContent = told.textContent;
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || "leave" in form.dataset) return;
  event.preventDefault();
  const button = event.submitter;
  const body = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { accept: "text/plain" } }).catch(() => null);
  const wrong = answer?.ok ? "" : answer ? await answer.text() : "The service does not answer.";
  const place = document.getElementById(button?.id)?.closest("section, .group")?.querySelector(".problem");
  if (place) place.textContent = wrong;
  refresh();
});

const changes = new EventSource("/sandbox/changes");
changes.onmessage = refresh;
changes.onopen = () => { document.body.classList.remove("offline"); refresh(); };
changes.onerror = () => document.body.classList.add("offline");
`;
