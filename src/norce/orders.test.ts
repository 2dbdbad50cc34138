import { describe, expect, test } from "vitest";
import { type Cursor, type ListedOrder, type OrderPage, ordersWithin, pageFrom, type PageQuery } from "./orders.ts";

const order = (number: number): ListedOrder => ({ id: `o_${number}`, created: number, status: null, payments: [] });
/** Orders `most` to 1, newest first. */
const newestFirst = (most: number): ListedOrder[] => Array.from({ length: most }, (_, index) => order(most - index));

interface List {
  orders: ListedOrder[];
  readonly queries: PageQuery[];
  readonly read: (query: PageQuery) => Promise<OrderPage>;
}

/** A list that ignores dates, as v0 may. */
function listOf(orders: ListedOrder[], options: { most?: number; sized?: boolean } = {}): List {
  const list: List = {
    orders,
    queries: [],
    async read(query) {
      list.queries.push(query);
      const page = list.orders.slice(query.offset, query.offset + Math.min(query.limit, options.most ?? query.limit));
      const size = options.sized === false ? {} : { size: list.orders.length };
      return { orders: page, places: page.length, unreadable: 0, ...size };
    },
  };
  return list;
}

async function readAll(
  list: List,
  window: { from: number; to?: number } = { from: 0 },
  between: (page: number) => void = () => undefined,
  start?: Cursor,
): Promise<number[]> {
  const created: number[] = [];
  let page = 0;
  for await (const portion of ordersWithin(list.read, window, start)) {
    created.push(...portion.orders.map((one) => one.created));
    between((page += 1));
  }
  return created;
}

const down = (from: number, to: number): number[] => Array.from({ length: from - to + 1 }, (_, index) => from - index);

describe("paging", () => {
  test.each([
    ["with a size", {}],
    ["without one", { sized: false }],
    ["where Norce gives fewer than were asked for", { most: 7, sized: false }],
  ])("brings every order once, %s", async (_, options) => {
    for (const most of [0, 1, 2, 99, 100, 101, 250])
      expect(await readAll(listOf(newestFirst(most), options))).toEqual(down(most, 1));
  });

  test("checks the dates itself, and stops at the window's end", async () => {
    const list = listOf(newestFirst(1_000));
    expect(await readAll(list, { from: 700, to: 950 })).toEqual(down(949, 700));
    expect(list.queries.length).toBeLessThanOrEqual(4);
  });

  test("passes over none when orders are created meanwhile", async () => {
    const list = listOf(newestFirst(500));
    const created = await readAll(list, { from: 0 }, (page) => {
      for (let number = 0; number < 30; number += 1) list.orders.unshift(order(1_000 + page * 100 + number));
    });
    expect(new Set(created)).toEqual(new Set(down(500, 1)));
  });

  test("passes over none when orders vanish meanwhile", async () => {
    const list = listOf(newestFirst(500));
    const created = await readAll(list, { from: 0 }, (page) => {
      if (page <= 3) list.orders.splice(0, 20);
    });
    expect(new Set(created)).toEqual(new Set(down(500, 1)));
  });

  test("reads on where it stopped", async () => {
    const list = listOf(newestFirst(500));
    const pages = ordersWithin(list.read, { from: 0 });
    await pages.next();
    const { value } = await pages.next();
    const next = (value as { next: Cursor }).next;
    list.orders.unshift(order(501));
    expect(await readAll(list, { from: 0 }, () => undefined, next)).toEqual(down(301, 1));
  });

  test("asks for the next page when the last one is done with", async () => {
    const list = listOf(newestFirst(10_000));
    let held = 0;
    for await (const portion of ordersWithin(list.read, { from: 0 })) {
      held += 1;
      expect(list.queries.length).toBe(held);
      expect(portion.orders.length).toBeLessThanOrEqual(100);
    }
    // 99 orders that are new on each page after the first.
    expect(held).toBe(101);
  });
});

describe("a page", () => {
  const payment = { id: "p_1", adapterId: "acme", type: "default", state: "Reserved", amount: 1, reference: "" };
  const listed = { id: "o_1", created: "2026-01-02T03:04:05.000Z", state: { currentStatus: "accepted" } };

  test("tells what decides whether to look", () => {
    const note = { removed: true, since: "2026-01-03T00:00:00.000Z", phase: "confirmed" };
    // Enums in any casing.
    const state = { currentStatus: "Accepted" };
    const attributes = { norcePspWorker: note };
    const body = { data: [{ ...listed, state, payments: [{ ...payment, type: "Default", attributes }] }] };
    expect(pageFrom(body)?.orders).toEqual([
      {
        id: "o_1",
        created: Date.parse(listed.created),
        status: "accepted",
        payments: [
          {
            id: "p_1",
            adapterId: "acme",
            type: "default",
            state: "reserved",
            reference: null,
            removedByUs: true,
            since: Date.parse(note.since),
          },
        ],
      },
    ]);
  });

  test.each([
    ["an order without a date", [{ id: "o_2" }, listed], ["o_1"], []],
    [
      "a payment in a state that is not known",
      [{ ...listed, payments: [{ ...payment, state: "x" }, payment] }],
      ["o_1"],
      ["p_1"],
    ],
    ["no order at all", [null, 1, listed], ["o_1"], []],
  ])("is not spoilt by %s", (_, data, orders, payments) => {
    const page = pageFrom({ data, pagination: { size: "many" } });
    expect(page?.orders.map(({ id }) => id)).toEqual(orders);
    expect(page?.orders.flatMap((one) => one.payments.map(({ id }) => id))).toEqual(payments);
    expect(page).toMatchObject({ places: data.length });
    expect(page?.unreadable).toBeGreaterThan(0);
  });

  test("may be empty, and has to be a list", () => {
    expect(pageFrom(null)).toEqual({ orders: [], places: 0, unreadable: 0 });
    expect(pageFrom({ data: "x" })).toBeNull();
  });
});
