import type { Request } from "express";
import { WorkerError } from "../../lib/errors.ts";
import { equalInConstantTime } from "../../signatures/constant-time.ts";
import { readBody } from "../../webhooks/body.ts";
import { createRoom } from "../../webhooks/rooms.ts";
import type { Session } from "./session.ts";

/** Reads a form that this page sent. */
export type ReadForm = (request: Request) => Promise<URLSearchParams>;

/** As much as the ids of a page of letters take. */
const limitBytes = 64 * 1_024;
const bounds = { bytes: 4 * 1_024 * 1_024, requests: 100 };
const patienceMs = 5_000;

/** @param publicUrl what the browser may call this service, beside the name that it called. */
export function createForms(publicUrl: string): ReadForm {
  const room = createRoom(bounds);
  return async (request) => {
    insistOnOrigin(request.headers, publicUrl);
    const { bytes, leave } = await readBody(request, { limitBytes, room, patienceMs });
    try {
      return new URLSearchParams(bytes.toString("utf8"));
    } finally {
      leave();
    }
  };
}

/**
 * A browser says on every form where the page stood that sent it.
 * @throws WorkerError `UntrustedWebhook` where that is another site, or nothing is said.
 */
export function insistOnOrigin(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  publicUrl: string,
): void {
  const { origin, host } = headers;
  const ours = [new URL(publicUrl).host, host];
  const said = typeof origin === "string" && URL.canParse(origin) ? new URL(origin).host : undefined;
  if (said !== undefined ? ours.includes(said) : origin === undefined && headers["sec-fetch-site"] === "same-origin")
    return;
  throw new WorkerError("UntrustedWebhook", "the form was sent by another site", { context: { sig: "other-site" } });
}

/** @throws WorkerError `UntrustedWebhook` where a form does not carry what only this session's pages have. */
export function insistOnToken(form: URLSearchParams, { formToken }: Session): void {
  if (equalInConstantTime(form.get("token") ?? "", formToken)) return;
  throw new WorkerError("UntrustedWebhook", "this page is out of date; load it again", { context: { sig: "wrong" } });
}
