import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import type { Permission } from "../ask/shapes.ts";
import { useTitle } from "../look/use-title.ts";
import { useMay } from "../session/use-may.ts";

const pages = [
  { to: "/settings", name: "You", needs: null },
  { to: "/settings/line", name: "Phone line", needs: null },
  { to: "/settings/recordings", name: "Recordings", needs: null },
  { to: "/settings/listeners", name: "Other systems", needs: "listeners.manage" },
  { to: "/settings/keys", name: "Keys", needs: "keys.manage" },
  { to: "/settings/people", name: "People", needs: "users.manage" },
  { to: "/settings/audits", name: "Who did what", needs: "audits.read" },
] as const satisfies readonly { to: string; name: string; needs: Permission | null }[];

/** The settings, one matter a page; only those somebody of this role may open are named. */
export function SettingsFrame(): ReactNode {
  useTitle("Settings");
  const { pathname } = useLocation();
  const nav = useRef<HTMLElement>(null);
  // On a narrow page the line of names is longer than the screen: the one that is open is in sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another address is what moves it
  useEffect(() => {
    nav.current?.querySelector("[aria-current=page]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
  }, [pathname]);
  return (
    <main className="px-4 pt-4 pb-24 sm:px-6 lg:pt-5">
      <h1 className="text-title font-strong">Settings</h1>
      <nav
        ref={nav}
        aria-label="Settings"
        className="-mx-4 mt-2 flex scroll-px-10 gap-5 overflow-x-auto overflow-y-hidden border-b border-line px-4 sm:-mx-6 sm:px-6"
      >
        {pages.map(({ to, name, needs }) => (
          <Place key={to} to={to} name={name} needs={needs} />
        ))}
      </nav>
      <Outlet />
    </main>
  );
}

function Place({ to, name, needs }: { [field in "to" | "name" | "needs"]: (typeof pages)[number][field] }) {
  const may = useMay(needs ?? "calls.read");
  if (!may) return null;
  return (
    <Link
      to={to}
      activeOptions={{ exact: to === "/settings" }}
      className="press -mb-px flex items-center justify-center border-b-2 whitespace-nowrap"
      activeProps={{ className: "border-ink font-strong" }}
      inactiveProps={{ className: "border-transparent text-soft hover:text-ink" }}
    >
      {name}
    </Link>
  );
}

/** For whoever came by an address that is not for their role. */
export function NotYours({ needs, children }: { needs: Permission; children: ReactNode }) {
  const may = useMay(needs);
  if (may) return children;
  return <p className="pt-6 text-soft">This page is for administrators. Ask one of them.</p>;
}
