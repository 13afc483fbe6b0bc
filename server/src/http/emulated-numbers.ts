import { page } from "@earshot/contract/call";
import { EmulatedNumber } from "@earshot/contract/session";
import type { Door, DoorParts } from "./door.ts";

/** The people of the emulated phone network; nobody when a real carrier is configured. */
export function emulatedNumberRoutes(door: Door, parts: DoorParts): void {
  door.get(
    "/api/emulated-numbers",
    {
      config: { access: { needs: "calls.read" } },
      schema: { summary: "Who can be called on the emulated phone network", tags: ["calls"], response: { 200: page(EmulatedNumber) } },
    },
    async () => ({ items: [...(parts.emulatedNumbers ?? [])], next: null }),
  );
}
