import type { Response } from "express";
import { hidden, type Html, html, type HtmlValue } from "../../lib/html.ts";
import type { Session } from "./session.ts";

/** A view of the page. */
export interface View {
  /** In the title and the heading. */
  readonly title: string;
  /** Where in the navigation it stands. */
  readonly at?: string;
  readonly content: HtmlValue;
  /** The page is read again after so many seconds: something moves. */
  readonly againSeconds?: number;
  readonly status?: number;
}

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  // Not `no-referrer`: a browser would not say any more where a form was sent from.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
};

/** The views that the navigation leads to, in its order. Addresses stand beside each other, so that they work behind any prefix. */
const navigation: Readonly<Record<string, string>> = {
  today: "Today",
  search: "Search",
  letters: "Letters",
  operations: "Operations",
  queues: "Queues",
  doctor: "Doctor",
};

/** Answers with a view. @param session absent: nobody is signed in. */
export function sendView(response: Response, view: View, session: Session | undefined): void {
  response.statusCode = view.status ?? 200;
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  if (session?.renewed !== undefined) response.setHeader("set-cookie", session.renewed);
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(documentOf(view, session).text);
}

function documentOf({ title, at, content, againSeconds }: View, session: Session | undefined): Html {
  const again = againSeconds === undefined ? undefined : String(againSeconds);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Payments on call</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="style.css" />
        ${again === undefined ? undefined : html`<noscript><meta http-equiv="refresh" content="${again}" /></noscript>`}
        <script src="script.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#content">To the content</a>
        <header>
          <p class="name">Payments on call</p>
          ${session === undefined ? undefined : navigationOf(at, session)}
        </header>
        <main id="content" tabindex="-1" ${again === undefined ? undefined : html`data-again="${again}"`}>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html>`;
}

function navigationOf(at: string | undefined, { formToken }: Session): Html {
  const links = Object.entries(navigation).map(
    ([view, name]) =>
      html`<li><a href="${view}" ${view === at ? html`aria-current="page"` : undefined}>${name}</a></li>`,
  );
  return html`<nav aria-label="Views">
      <ul>
        ${links}
      </ul>
    </nav>
    <form method="post" action="sign-out" class="out">
      ${hidden({ token: formToken })}<button class="quiet">Sign out</button>
    </form>`;
}

/** The form that lets people in. @param to the view that was asked for. */
export function signInView(to: string | undefined, problem?: string): View {
  return {
    title: "Sign in",
    ...(problem === undefined ? {} : { status: 401 }),
    content: html`<form method="post" action="sign-in" class="card narrow">
      ${to === undefined ? undefined : hidden({ to })}
      ${problem === undefined ? undefined : html`<p class="notice" role="alert" id="problem">${problem}</p>`}
      <label for="secret">Admin token</label>
      <input
        id="secret"
        name="secret"
        type="password"
        autocomplete="current-password"
        required
        autofocus
        ${problem === undefined ? undefined : html`aria-invalid="true" aria-describedby="problem"`}
      />
      <p class="hint">One of <code>ADMIN_TOKEN</code>. You stay signed in for half an hour after the last page.</p>
      <button class="main">Sign in</button>
    </form>`,
  };
}

/** A refusal for people. */
export function refusalView(status: number, message: string): View {
  const titles: Readonly<Record<number, string>> = {
    401: "Not allowed",
    404: "Not found",
    429: "Too many tries",
    503: "The queue does not answer",
  };
  return {
    title: titles[status] ?? "That did not work",
    status,
    content: html`<p class="notice" role="alert">${message}.</p>
      <p><a href="today">Back to today</a></p>`,
  };
}
