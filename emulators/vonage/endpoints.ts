import type { LegPlan } from "./leg.ts";
import type { Endpoint } from "./wire.ts";

export type Ends = Pick<LegPlan, "kind" | "from" | "to" | "fromEndpoint" | "toEndpoint" | "headers">;

/** Both ends of a leg as events (`from`, `to`) and REST (the endpoints) show them. */
export function endsOf(to: Endpoint, from: string): Ends {
  const phone = { kind: "phone", from, fromEndpoint: { type: "phone", number: from }, toEndpoint: to, headers: {} } as const;
  switch (to.type) {
    case "websocket": {
      const { authorization: _secret, ...toEndpoint } = to;
      return { ...phone, kind: "websocket", to: to.uri, toEndpoint, headers: to.headers };
    }
    case "phone":
      return { ...phone, to: to.number, toEndpoint: { type: "phone", number: to.number } };
    case "sip":
      return { ...phone, to: to.uri ?? `sip:${to.user}@${to.domain}` };
    case "app":
      return { ...phone, to: to.user };
    case "vbc":
      return { ...phone, to: to.extension };
  }
}
