import { z } from "zod";

/** How lists are asked for: pages from 0, ten a page. */
export const PageQuery = z.looseObject({
  page_number: z.coerce.number().int().min(0).default(0),
  page_size: z.coerce.number().int().min(1).max(100).default(10),
  ascending_order: z.stringbool().default(true),
});
export type PageQuery = z.infer<typeof PageQuery>;

export interface Page<One> {
  readonly head: {
    readonly page_number: number;
    readonly page_size: number;
    readonly total_pages: number;
    readonly pagination_direction: "ASC" | "DESC";
  };
  readonly items: One[];
}

/** One page; past the end it is empty, which is how Hume's own client knows that it has them all. */
export function pageOf<One>(all: readonly One[], { page_number, page_size, ascending_order }: PageQuery): Page<One> {
  const ordered = ascending_order ? all : [...all].reverse();
  return {
    head: {
      page_number,
      page_size,
      total_pages: Math.ceil(all.length / page_size),
      pagination_direction: ascending_order ? "ASC" : "DESC",
    },
    items: ordered.slice(page_number * page_size, (page_number + 1) * page_size),
  };
}
