import { expect, test } from "vitest";
import { person, planted, withPeople } from "./canaries.ts";

test("people are planted where people stand, by what stands there, and in new fields", () => {
  const document = {
    customer_name: "Anna Svensson",
    given_name: "Anna",
    email: "anna@example.invalid",
    phone: "+46701234567",
    postal_code: "11122",
    personal_number: "410321-9202",
    address: { street_address: "Storgatan 1" },
  };
  const { address, ...peopled } = withPeople(document) as Record<string, unknown>;
  for (const name of Object.keys(document).filter((one) => one !== "address"))
    expect(peopled[name]).toBe(`${person}-${name}`);
  expect(address).toMatchObject({ street_address: `${person}-street_address` });
  expect(withPeople({ a: 1 })).toEqual({ a: 1, ...planted });
});

test("what is nobody's stays: ids, codes, our own ids in free metadata, and maps by keys of a pattern", () => {
  const harmless = {
    customerId: "cst_kEn1PlbGa",
    customer: "4f1c9a3e-7d20-4b6f-9c41-2b8f5a6d7e80",
    card_brand: "visa",
    cardType: "MASTER_CARD",
    metadata: { customer_ref: "c-99", paymentName: "p_1" },
  };
  expect(withPeople(harmless)).toMatchObject(harmless);
  const map = { pm_1: { amount: 1 }, pm_2: { amount: 2 } };
  expect(Object.keys(withPeople({ payments: map }) as object)).toContain("given_name");
  expect(Object.keys((withPeople({ payments: map }) as { payments: object }).payments)).toEqual(["pm_1", "pm_2"]);
});
