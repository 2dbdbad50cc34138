/**
 * Who is signed in to the page: a cookie that says until when, signed with a key made from the admin token. Nothing is stored, so that every
 * web process knows every session, and a token that is taken out of `ADMIN_TOKEN` ends its sessions.
 */
import { createHmac, randomBytes } from "node:crypto";
import { z } from "zod";
import { type AdminTokens, isAdminToken } from "../../signatures/admin-token.ts";
import { equalInConstantTime } from "../../signatures/constant-time.ts";
import { fingerprintOf } from "../../signatures/fingerprint.ts";

/** Somebody who signed in. Times in milliseconds since the epoch. */
export interface Session {
  readonly id: string;
  /** The fingerprint of the admin token. */
  readonly who: string;
  readonly began: number;
  readonly until: number;
  /** What every form has to carry: another site can neither read nor guess it. */
  readonly formToken: string;
  /** The cookie again, with a later end; absent while it has long enough to live. */
  readonly renewed?: string;
}

/** Signs people in and out. Cookies are values of `set-cookie`. */
export interface Sessions {
  /** `undefined` where that is no admin token. */
  open(token: string): string | undefined;
  /** Who sends these cookies. @param cookies the request's `cookie`. */
  read(cookies: string | undefined): Session | undefined;
  close(): string;
}

/** What sessions are made with. */
export interface SessionParts {
  readonly config: AdminTokens & { readonly publicUrl: string };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const cookieName = "norce_psp_ops";
/** A session ends half an hour after the last page, and after a working day in any case. */
const idleMs = 30 * 60_000;
const longestMs = 10 * 3_600_000;
/** How much of its time has to be over before a cookie is written anew. */
const renewedAfterMs = 60_000;

const contentSchema = z.tuple([z.string().length(22), z.int(), z.int()]);

/** The sessions of everybody with an admin token. */
export function createSessions({ config, now }: SessionParts): Sessions {
  const { pathname, protocol } = new URL(config.publicUrl);
  const secure = protocol === "https:" ? "; Secure" : "";
  const bounds = `Path=${pathname.replace(/\/+$/, "")}/ops; HttpOnly; SameSite=Strict${secure}`;
  const cookieOf = (id: string, began: number, key: Buffer): string => {
    const until = Math.min(now() + idleMs, began + longestMs);
    const content = Buffer.from(JSON.stringify([id, began, until])).toString("base64url");
    const seconds = Math.max(0, Math.floor((until - now()) / 1_000));
    return `${cookieName}=${content}.${signed(key, content)}; Max-Age=${seconds}; ${bounds}`;
  };
  return {
    open(token) {
      if (!isAdminToken(config, token)) return undefined;
      return cookieOf(randomBytes(16).toString("base64url"), now(), keyOf(token));
    },
    read(cookies) {
      const [content = "", signature = ""] = valueIn(cookies).split(".");
      // Every token is tried, so that the time taken does not tell which it was.
      const [token] = config.adminTokens.filter((one) => equalInConstantTime(signature, signed(keyOf(one), content)));
      if (token === undefined) return undefined;
      const key = keyOf(token);
      const said = contentSchema.safeParse(jsonIn(content));
      if (!said.success) return undefined;
      const [id, began, until] = said.data;
      if (now() >= until || now() < began) return undefined;
      const isWorn = until - now() < idleMs - renewedAfterMs && until < began + longestMs;
      const renewed = isWorn ? { renewed: cookieOf(id, began, key) } : {};
      return { id, who: fingerprintOf(token), began, until, formToken: signed(key, `form\n${id}`), ...renewed };
    },
    close: () => `${cookieName}=; Max-Age=0; ${bounds}`,
  };
}

function keyOf(token: string): Buffer {
  return createHmac("sha256", token).update("norce-psp-worker session of the operators' page").digest();
}

function signed(key: Buffer, text: string): string {
  return createHmac("sha256", key).update(text, "utf8").digest("base64url");
}

function valueIn(cookies = ""): string {
  const named = cookies.split(";").map((one) => one.trim().split("="));
  return named.find(([name]) => name === cookieName)?.[1] ?? "";
}

function jsonIn(content: string): unknown {
  try {
    return JSON.parse(Buffer.from(content, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
