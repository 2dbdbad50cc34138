import type { Request, Response } from "express";
import type { Session } from "./session.ts";
import { sendView, type View } from "./shell.ts";

/** Somebody who is signed in asks for a view. */
export interface Visit {
  readonly query: URLSearchParams;
  readonly session: Session;
}

/** Somebody who is signed in sent a form. */
export interface Sent extends Visit {
  readonly form: URLSearchParams;
}

/** What a form leads to: a view, or the address of one beside it. */
export type Led = View | { readonly to: string };

/** What can be asked of a view. */
export interface Screen {
  get?(visit: Visit): Promise<View>;
  post?(sent: Sent): Promise<Led>;
}

/** Answers with a view, or leads to another one. */
export function sendLed(response: Response, led: Led, session: Session | undefined): void {
  if ("to" in led) leadTo(response, led.to, session);
  else sendView(response, led, session);
}

/** Leads to a view beside this one: relative, so that it works behind any prefix. */
export function leadTo(response: Response, to: string, session?: Session): void {
  response.statusCode = 303;
  response.setHeader("location", to);
  response.setHeader("cache-control", "no-store");
  if (session?.renewed !== undefined) response.setHeader("set-cookie", session.renewed);
  response.end();
}

/** The view that was asked for, with its query: where to go after signing in. */
export function askedFor({ originalUrl }: Request): string {
  return originalUrl.slice(originalUrl.lastIndexOf("/ops/") + "/ops/".length);
}

/** What somebody wants to see after signing in, where that is a view of this page and nothing else. */
export function safeTarget(to: string | null, views: readonly string[]): string {
  const [, view = ""] = /^([a-z]+)(?:\?[\w.~%&=+*-]*)?$/.exec(to ?? "") ?? [];
  return to !== null && views.includes(view) ? to : "today";
}
