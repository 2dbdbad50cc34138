/** The operators' page: for people with an admin token, who sign in with it once. Works without its script. */
import { readFileSync } from "node:fs";
import type { RequestHandler } from "express";
import { WorkerError } from "../../lib/errors.ts";
import type { Refusal } from "../../webhooks/answers.ts";
import type { OperatorRoute } from "../../webhooks/app.ts";
import { queryOf } from "../../webhooks/request.ts";
import { createForms, insistOnToken } from "./forms.ts";
import { createScreens, type ScreenParts } from "./screens.ts";
import { createSessions, type Sessions } from "./session.ts";
import { refusalView, securityHeaders, sendView, signInView } from "./shell.ts";
import { askedFor, leadTo, safeTarget, sendLed } from "./visit.ts";

/** What the page is made from. */
export type PageParts = ScreenParts;

const files: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  "style.css": { type: "text/css; charset=utf-8", text: fileOf("style.css") },
  "script.js": { type: "text/javascript; charset=utf-8", text: fileOf("script.js") },
};

/** The page's routes, each to be put behind the operators' guard. */
export function pageRoutes(parts: PageParts): Pick<OperatorRoute, "get" | "post" | "refuse"> {
  const { config } = parts;
  const sessions = createSessions(parts);
  const readForm = createForms(config.publicUrl);
  const screens = createScreens(parts);
  const names = Object.keys(screens);
  const insistOnPage = (): void => {
    if (config.adminTokens.length === 0) throw new WorkerError("UnknownTarget", "no such path");
  };

  const get: RequestHandler = async (request, response) => {
    insistOnPage();
    const name = String(request.params["view"] ?? "");
    if (name === "") {
      leadTo(response, "ops/today");
      return;
    }
    const file = Object.hasOwn(files, name) ? files[name] : undefined;
    if (file !== undefined) {
      const headers = { ...securityHeaders, "cache-control": "private, max-age=300", "content-type": file.type };
      response.writeHead(200, headers).end(file.text);
      return;
    }
    const query = queryOf(request.originalUrl);
    const session = sessions.read(request.get("cookie"));
    if (name === "sign-in") {
      sendView(response, signInView(query.get("to") ?? undefined), undefined);
      return;
    }
    const screen = Object.hasOwn(screens, name) ? screens[name] : undefined;
    if (screen?.get === undefined) throw new WorkerError("UnknownTarget", "there is no such view");
    if (session === undefined) leadTo(response, `sign-in?to=${encodeURIComponent(askedFor(request))}`);
    else sendView(response, await screen.get({ query, session }), session);
  };

  const post: RequestHandler = async (request, response) => {
    insistOnPage();
    const name = String(request.params["view"] ?? "");
    const form = await readForm(request);
    if (name === "sign-in") {
      signIn(form, sessions, names, (cookie, to) => {
        response.setHeader("set-cookie", cookie);
        leadTo(response, to);
      });
      return;
    }
    const session = sessions.read(request.get("cookie"));
    if (session === undefined) {
      leadTo(response, "sign-in");
      return;
    }
    insistOnToken(form, session);
    if (name === "sign-out") {
      response.setHeader("set-cookie", sessions.close());
      leadTo(response, "sign-in");
      return;
    }
    const screen = Object.hasOwn(screens, name) ? screens[name] : undefined;
    if (screen?.post === undefined) throw new WorkerError("UnknownTarget", "there is no such form");
    sendLed(response, await screen.post({ query: queryOf(request.originalUrl), form, session }), session);
  };

  return {
    get,
    post,
    refuse(request, response, refusal: Refusal) {
      if (refusal.retryAfterSeconds !== undefined) response.setHeader("retry-after", String(refusal.retryAfterSeconds));
      if (refusal.hangUp === true) response.setHeader("connection", "close");
      const { status, message } = refusal;
      const isSignIn = request.method === "POST" && request.params["view"] === "sign-in" && status === 401;
      const view = isSignIn ? signInView(undefined, sentence(message)) : refusalView(status, sentence(message));
      sendView(response, view, isSignIn ? undefined : sessions.read(request.get("cookie")));
    },
  };
}

/** @throws WorkerError `UntrustedWebhook` where that is no admin token: the guard makes further tries wait. */
function signIn(
  form: URLSearchParams,
  sessions: Sessions,
  views: readonly string[],
  done: (cookie: string, to: string) => void,
): void {
  const cookie = sessions.open(form.get("secret")?.trim() ?? "");
  if (cookie === undefined)
    throw new WorkerError("UntrustedWebhook", "that is no admin token", { context: { token: "wrong" } });
  done(cookie, safeTarget(form.get("to"), views));
}

/** A message as people read it. */
function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1);
}

function fileOf(name: string): string {
  return readFileSync(`${import.meta.dirname}/${name}`, "utf8");
}
