import { describe, expect, it } from "vitest";
import { newId } from "../ids.ts";
import { cursorOf, placeOf } from "./cursor.ts";

describe("a cursor", () => {
  it("comes back as the place it was made of, to the microsecond", () => {
    const place = { at: 1_772_366_400_123_456, id: newId() };
    expect(placeOf(cursorOf(place) ?? undefined)).toEqual(place);
    expect(placeOf(undefined)).toBeNull();
    expect(cursorOf(null)).toBeNull();
  });

  it.each([
    "",
    "x",
    "!!",
    "AAAA",
    Buffer.from("1.not-an-id").toString("base64url"),
    Buffer.from(`99999999999999999.${newId()}`).toString("base64url"),
    "%00",
    "é",
  ])("that this server never gave (%j) names its field", (cursor) => {
    expect(() => placeOf(cursor)).toThrow(
      expect.objectContaining({ code: "INVALID_REQUEST", fields: [expect.objectContaining({ field: "cursor" })] }),
    );
  });
});
