import type { ReactNode } from "react";

/** One matter of a page: its name at the side, on a narrow page above, and a line about it if it needs one. */
export const Part = ({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) => (
  <section className="mt-6 grid gap-x-8 gap-y-3 border-t border-line pt-4 [nav+&]:mt-0 [nav+&]:border-t-0 md:grid-cols-[12rem_minmax(0,1fr)]">
    <div>
      <h2 className="font-strong">{title}</h2>
      {about && <p className="text-small text-soft max-md:max-w-[62ch]">{about}</p>}
    </div>
    <div className="flex min-w-0 flex-col items-start gap-4">{children}</div>
  </section>
);
