// Reads a page again while something moves, without losing the place: the page does the same by itself where there is no script.
const main = document.querySelector("main[data-again]");

async function again() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => undefined);
  if (answer?.ok && !answer.redirected) {
    const read = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    // Who types or chooses something is not disturbed.
    const busy = document.activeElement?.matches("input, select") || document.querySelector("button:active");
    if (read && !busy) {
      const focused = document.activeElement?.closest("main") ? pathTo(document.activeElement) : undefined;
      main.replaceChildren(...read.childNodes);
      if (focused) main.querySelector(focused)?.focus({ preventScroll: true });
      if (!read.dataset.again) return;
    }
  } else if (answer?.redirected) {
    location.reload();
    return;
  }
  setTimeout(again, Number(main.dataset.again) * 1000);
}

/** Where an element stands, so that the same one is found in the page that takes its place. */
function pathTo(element) {
  const steps = [];
  for (let one = element; one && one !== main; one = one.parentElement)
    steps.unshift(`:nth-child(${[...one.parentElement.children].indexOf(one) + 1})`);
  return steps.length ? `:scope > ${steps.join(" > ")}` : undefined;
}

if (main) setTimeout(again, Number(main.dataset.again) * 1000);
