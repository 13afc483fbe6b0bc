import type { Leg } from "./leg.ts";
import type { ListCalls } from "./wire.ts";

/** A leg as `GET /v1/calls/{uuid}` shows it. */
export function callView(leg: Leg): Record<string, unknown> {
  const { plan, bill } = leg;
  return {
    _links: { self: { href: `/v1/calls/${leg.uuid}` } },
    uuid: leg.uuid,
    conversation_uuid: leg.conversation.uuid,
    to: plan.toEndpoint,
    from: plan.fromEndpoint,
    status: leg.shown,
    direction: plan.direction,
    ...(bill
      ? {
          rate: bill.rate,
          price: bill.price,
          duration: String(bill.durationS),
          start_time: bill.startTime?.toISOString() ?? null,
          end_time: bill.endTime?.toISOString() ?? null,
          network: bill.network,
        }
      : {}),
  };
}

/**
 * A page of `GET /v1/calls`: HAL, with relative hrefs, no `next` on the last page and no `prev` on the first.
 *
 * @param asked the query as it was sent: links lead to pages of the same list
 */
export function callsPage(legs: Iterable<Leg>, query: ListCalls, asked: Readonly<Record<string, string>>): Record<string, unknown> {
  const found = [...legs].filter(
    (leg) =>
      (!query.status || leg.shown === query.status) &&
      (!query.conversation_uuid || leg.conversation.uuid === query.conversation_uuid) &&
      (!query.date_start || leg.createdAt >= query.date_start) &&
      (!query.date_end || leg.createdAt <= query.date_end),
  );
  if (query.order === "desc") found.reverse();
  const { page_size: size, record_index: first } = query;
  const { page_size: _, record_index: __, ...others } = asked;
  const link = (index: number | null): { href: string } => ({
    href: `/v1/calls?${new URLSearchParams({ page_size: String(size), ...(index === null ? {} : { record_index: String(index) }), ...others })}`,
  });
  const last = Math.max(0, Math.floor((found.length - 1) / size) * size);
  return {
    count: found.length,
    page_size: size,
    record_index: first,
    _links: {
      self: link(first),
      first: link(null),
      last: link(last || null),
      ...(first > 0 ? { prev: link(Math.max(0, first - size) || null) } : {}),
      ...(first + size < found.length ? { next: link(first + size) } : {}),
    },
    _embedded: { calls: found.slice(first, first + size).map(callView) },
  };
}
