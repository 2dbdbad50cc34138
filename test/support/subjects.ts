import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  AnyAdapter,
  CommonConfig,
  DesiredPayment,
  Json,
  KeptEvent,
  KnownPayment,
  RawRequest,
  Target,
} from "../../src/contract/adapter.ts";
import type { Simulator } from "../../src/contract/simulator.ts";
import { adapterFolders, loadAdapters } from "../../src/adapters/registry.ts";
import { loadSimulator } from "../../sandbox/kernel/load.ts";
import { asking } from "./asking.ts";

const adaptersPath = join(import.meta.dirname, "../../src/adapters");

/** A webhook as a fixture keeps it. */
export interface RequestFixture {
  readonly webhook: string;
  readonly method: "GET" | "POST";
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** When it came, ISO 8601, where its proof covers the time and lasts only for a while. */
  readonly at?: string;
}

/** One folder of `fixtures/`. */
export interface Fixture {
  readonly name: string;
  /** What the PSP said; for an adapter that folds, the kept events. */
  readonly snapshot: Json;
  /** Lines of the log beside the snapshot. */
  readonly kept: readonly KeptEvent[];
  /** What a look knows besides, laid over the usual. */
  readonly context: FixtureContext;
  readonly desired: unknown;
  /** Empty where there is none. */
  readonly source: string;
  readonly request?: RequestFixture;
}

/** What `context.json` may say. */
interface FixtureContext {
  readonly settings?: Readonly<Record<string, Json>>;
  readonly payment?: Partial<KnownPayment>;
  readonly known?: Readonly<Record<string, Json>>;
  /** When the look is, ISO 8601. */
  readonly now?: string;
}

/** When a fixture is looked at that does not say it: minutes after what most of them tell of. */
const usualNow = "2026-02-03T10:20:00.000Z";

/** When the fixture is looked at, in milliseconds since the epoch. */
export function timeOf({ context }: Pick<Fixture, "context">): number {
  return Date.parse(context.now ?? usualNow);
}

/** An adapter under test: everything its folder holds. */
export interface Subject {
  readonly folder: string;
  readonly path: string;
  readonly adapter: AnyAdapter;
  readonly fixtures: readonly Fixture[];
  /** Those of its fixtures that have a `request.json`. */
  readonly requests: readonly (Fixture & { readonly request: RequestFixture })[];
  /** Settings with which the adapter talks to its simulator at this address, as a merchant would write them. */
  settings(apiUrl: string): Promise<Readonly<Record<string, Json>>>;
  simulator(): Promise<Simulator>;
  /** What Norce should say by a fixture, or by another snapshot in its place; `null` where a fold says nothing. */
  say(fixture: Fixture, snapshot?: Json): Promise<DesiredPayment | null>;
}

/** Only these folders are tested where the environment names some: while an adapter is written, the others are none of its business. */
const chosen = process.env["ADAPTERS"]?.split(",");

/** Every adapter folder, because it exists. */
export async function loadSubjects(): Promise<readonly Subject[]> {
  const folders = chosen ?? (await adapterFolders());
  const adapters = await loadAdapters(folders);
  return folders.map((folder) => {
    const adapter = adapters.get(folder);
    if (adapter === undefined) throw new Error(`${folder} was not loaded`);
    const path = join(adaptersPath, folder);
    const fixtures = fixturesIn(join(path, "fixtures"));
    const simulator = async (): Promise<Simulator> => {
      const found = await loadSimulator(folder, { timeScale: 0 });
      if (found === undefined) throw new Error(`add ${folder}/simulator.ts, the PSP with a memory`);
      return found;
    };
    const settings = async (apiUrl: string) => ({
      adapterId: `acme_${folder}`,
      ...(await simulator()).settings(apiUrl),
    });
    return {
      folder,
      path,
      adapter,
      fixtures,
      requests: fixtures.flatMap((fixture) =>
        fixture.request === undefined ? [] : [{ ...fixture, request: fixture.request }],
      ),
      settings,
      simulator,
      async say({ kept, context, ...fixture }, snapshot = fixture.snapshot) {
        const now = timeOf({ context });
        if (!("fold" in adapter)) return adapter.map(snapshot, { kept, now });
        const config = adapter.config.parse({
          ...(await settings("http://psp.invalid")),
          ...context.settings,
        }) as CommonConfig;
        const payment = { paymentId: "p_1", amount: 100_00, currency: "SEK", reference: null, upsell: null };
        return adapter.fold(snapshot as unknown as readonly KeptEvent[], {
          config,
          ...asking(context.known),
          now,
          payment: { ...payment, ...context.payment },
        });
      },
    };
  });
}

/** The fixture's webhook as it comes over the wire, and whose it is. */
export function receivedFrom(folder: string, request: RequestFixture): { request: RawRequest; target: Target } {
  const { pathname, searchParams: query } = new URL(request.url, "http://localhost");
  const [, orderId, paymentId] = /\/orders\/([^/]+)\/payments\/([^/]+)\//.exec(pathname) ?? [];
  return {
    request: {
      method: request.method,
      url: request.url,
      query,
      headers: request.headers,
      body: Buffer.from(request.body, "utf8"),
    },
    target: {
      adapter: folder,
      merchant: query.get("merchant") ?? "",
      channel: query.get("channel") ?? "",
      ...(orderId === undefined || paymentId === undefined
        ? {}
        : { orderId: decodeURIComponent(orderId), paymentId: decodeURIComponent(paymentId) }),
    },
  };
}

function fixturesIn(path: string): Fixture[] {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .toSorted()
    .map((name) => {
      const textOf = (file: string): string | undefined => {
        const full = join(path, name, file);
        return existsSync(full) ? readFileSync(full, "utf8") : undefined;
      };
      const json = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));
      const request = json(textOf("request.json")) as RequestFixture | undefined;
      const kept = (json(textOf("kept.json")) ?? []) as readonly KeptEvent[];
      return {
        name,
        snapshot: (json(textOf("snapshot.json")) ?? kept) as Json,
        kept,
        context: json(textOf("context.json")) ?? {},
        desired: json(textOf("desired.json")),
        source: textOf("source.md") ?? "",
        ...(request === undefined ? {} : { request }),
      };
    });
}

/** Every text in a document: a secret may be one, a list, or a map of them. */
export function textsIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null
    ? Object.values(value).flatMap((inner: Json) => textsIn(inner))
    : [];
}

/** What stands in an `authorization` header, with the scheme's name and without it. */
export function credentialsIn(header: string | undefined): string[] {
  const credentials = header?.split(" ").at(-1) ?? "";
  return header === undefined || credentials === "" ? [] : [header, credentials];
}
