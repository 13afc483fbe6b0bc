import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { buttonClass } from "../look/Button.tsx";
import { Mark } from "../look/Mark.tsx";
import { Trouble } from "../look/Trouble.tsx";

/** The frame before anything is known: its rail, so that the first page grows into place. */
export const Bare = () => (
  <div className="min-h-dvh lg:grid lg:grid-cols-[11.5rem_minmax(0,1fr)]" aria-busy="true">
    <div className="border-line px-4 py-3 max-lg:h-[45px] max-lg:border-b sm:px-6 lg:border-e lg:px-5 lg:py-5">
      <Mark />
    </div>
  </div>
);

/** A page whose code is still on its way: the frame around it stands, and its place is kept. */
export const Blank = () => <div className="min-h-dvh" aria-busy="true" />;

/** The page before the house: the sign, and one narrow column. */
export function Outer({ children }: { children: ReactNode }) {
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-[24rem] flex-col justify-center gap-6 px-6 py-12">
      <p className="flex items-center gap-2.5 text-title font-strong">
        <Mark className="size-8" />
        Earshot
      </p>
      {children}
    </main>
  );
}

export function Fault({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <Outer>
      <Trouble
        error={error}
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </Outer>
  );
}

export const NotHere = () => (
  <Outer>
    <div>
      <h1 className="text-lead font-strong">There is no page at this address</h1>
      <p className="text-soft">The address may be mistyped, or from an older version.</p>
    </div>
    <Link to="/calls" className={`${buttonClass("plain")} self-start`}>
      Go to calls
    </Link>
  </Outer>
);
