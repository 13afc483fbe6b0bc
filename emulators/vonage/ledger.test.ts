import { expect, it } from "vitest";
import { Ledger } from "./ledger.ts";

it("of a very long call its beginning and its end are kept", () => {
  const ledger = new Ledger({}, () => {});
  for (let place = 1; place <= 700; place++) ledger.note(null, String(place));
  const said = ledger.notes.map((note) => Number(note.said));
  expect(said).toHaveLength(500);
  expect(said.slice(0, 250)).toEqual(Array.from({ length: 250 }, (_, place) => place + 1));
  expect(said.slice(250)).toEqual(Array.from({ length: 250 }, (_, place) => place + 451));
});
