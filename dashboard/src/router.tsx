import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { isSignedOut } from "./ask/failures.ts";
import { queries } from "./ask/queries.ts";
import { RecordingSource } from "./ask/shapes.ts";
import { linkedMs } from "./call/spoken.ts";
import { filtersFrom } from "./calls/filters.ts";
import { Frame } from "./frame/Frame.tsx";
import { Bare, Blank, Fault, NotHere } from "./frame/Outer.tsx";

const uuid = /^[0-9a-f-]{36}$/i;

const root = createRootRouteWithContext<{ client: QueryClient }>()({ notFoundComponent: NotHere });

/** Every page behind the sign-in. The session is read once; without one the way leads to the sign-in and back. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Frame,
  pendingComponent: Bare,
  errorComponent: Fault,
  // A call being placed: to this number, and as an earlier one was.
  validateSearch: (search: Record<string, unknown>): { place?: string; again?: string } => ({
    ...(typeof search.place === "string" && { place: search.place }),
    ...(typeof search.again === "string" && uuid.test(search.again) && { again: search.again }),
  }),
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.ensureQueryData(queries.session());
    } catch (error) {
      if (isSignedOut(error)) throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { to: location.href } });
      throw error;
    }
  },
});

type CallSearch = {
  /** A moment, seconds from the answer. */
  t?: string;
  /** What was searched for: the page opens where it was said. */
  q?: string;
  side?: "webhooks" | "keeping";
  /** Which recording is heard: the one of this id, or the best of this source. */
  recording?: string;
  source?: RecordingSource;
};

function callSearch(search: Record<string, unknown>): CallSearch {
  const source = RecordingSource.options.find((one) => one === search.source);
  const side = (["webhooks", "keeping"] as const).find((one) => one === search.side);
  return {
    ...(source && { source }),
    ...(typeof search.recording === "string" && uuid.test(search.recording) && { recording: search.recording }),
    ...(linkedMs(search.t) !== null && { t: String(search.t) }),
    ...(typeof search.q === "string" && search.q !== "" && { q: search.q.slice(0, 200) }),
    ...(side && { side }),
  };
}

/** The frame of the settings; each matter is a page of its own below it. */
const settings = createRoute({
  getParentRoute: () => inside,
  path: "/settings",
  component: lazyRouteComponent(() => import("./settings/SettingsFrame.tsx"), "SettingsFrame"),
});

const routes = root.addChildren([
  createRoute({
    getParentRoute: () => root,
    path: "/sign-in",
    validateSearch: (search: Record<string, unknown>): { to?: string } =>
      typeof search.to === "string" && /^\/(?!\/)/.test(search.to) ? { to: search.to } : {},
    component: lazyRouteComponent(() => import("./session/SignIn.tsx"), "SignInPage"),
    errorComponent: Fault,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/enter",
    validateSearch: (search: Record<string, unknown>): { token?: string; to?: string } => ({
      ...(search.token === undefined ? {} : { token: String(search.token) }),
      ...(typeof search.to === "string" && /^\/(?!\/)/.test(search.to) ? { to: search.to } : {}),
    }),
    component: lazyRouteComponent(() => import("./session/Enter.tsx"), "EnterPage"),
    errorComponent: Fault,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/welcome",
    validateSearch: (search: Record<string, unknown>): { token?: string } =>
      search.token === undefined ? {} : { token: String(search.token) },
    component: lazyRouteComponent(() => import("./session/Welcome.tsx"), "WelcomePage"),
    errorComponent: Fault,
  }),
  inside.addChildren([
    createRoute({
      getParentRoute: () => inside,
      path: "/",
      beforeLoad: () => {
        throw redirect({ to: "/calls", replace: true });
      },
    }),
    createRoute({
      getParentRoute: () => inside,
      path: "/calls",
      validateSearch: filtersFrom,
      component: lazyRouteComponent(() => import("./calls/CallsPage.tsx"), "CallsPage"),
    }),
    createRoute({
      getParentRoute: () => inside,
      path: "/calls/$id",
      validateSearch: callSearch,
      component: lazyRouteComponent(() => import("./call/CallPage.tsx"), "CallPage"),
    }),
    createRoute({
      getParentRoute: () => inside,
      path: "/agents",
      component: lazyRouteComponent(() => import("./agents/AgentsPage.tsx"), "AgentsPage"),
    }),
    createRoute({
      getParentRoute: () => inside,
      path: "/agents/$id",
      validateSearch: (search: Record<string, unknown>): { version?: number } =>
        /^[1-9]\d{0,8}$/.test(String(search.version)) ? { version: Number(search.version) } : {},
      component: lazyRouteComponent(() => import("./agents/AgentPage.tsx"), "AgentPage"),
    }),
    settings.addChildren([
      createRoute({
        getParentRoute: () => settings,
        path: "/",
        component: lazyRouteComponent(() => import("./settings/You.tsx"), "YouPage"),
      }),
      createRoute({
        getParentRoute: () => settings,
        path: "/line",
        component: lazyRouteComponent(() => import("./settings/Line.tsx"), "LinePage"),
      }),
      createRoute({
        getParentRoute: () => settings,
        path: "/recordings",
        component: lazyRouteComponent(() => import("./settings/Recordings.tsx"), "RecordingsPage"),
      }),
      createRoute({
        getParentRoute: () => settings,
        path: "/listeners",
        component: lazyRouteComponent(() => import("./settings/Listeners.tsx"), "ListenersPage"),
      }),
      createRoute({
        getParentRoute: () => settings,
        path: "/listeners/$id",
        component: lazyRouteComponent(() => import("./settings/ListenerPage.tsx"), "ListenerPage"),
      }),
      createRoute({
        getParentRoute: () => settings,
        path: "/keys",
        component: lazyRouteComponent(() => import("./settings/Keys.tsx"), "KeysPage"),
      }),
      createRoute({
        getParentRoute: () => settings,
        path: "/people",
        component: lazyRouteComponent(() => import("./settings/People.tsx"), "PeoplePage"),
      }),
      createRoute({
        getParentRoute: () => settings,
        path: "/audits",
        validateSearch: (search: Record<string, unknown>): { about?: string } =>
          typeof search.about === "string" && /^[a-z_.]{1,60}$/.test(search.about) ? { about: search.about } : {},
        component: lazyRouteComponent(() => import("./settings/Audits.tsx"), "AuditsPage"),
      }),
    ]),
  ]),
]);

/** Addresses as people write them: every value is a text, and what is not set is not there. */
const parseSearch = (text: string): Record<string, string> => Object.fromEntries(new URLSearchParams(text));
const stringifySearch = (search: Record<string, unknown>): string => {
  const set = Object.entries(search).filter(([, value]) => value !== undefined && value !== null);
  return set.length === 0 ? "" : `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`;
};

export const newRouter = (client: QueryClient) =>
  createRouter({
    routeTree: routes,
    context: { client },
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    defaultPendingMs: 0,
    defaultPendingComponent: Blank,
    // A page is shown as soon as it is there; the library would hold its place empty for half a second otherwise.
    defaultPendingMinMs: 0,
    scrollRestoration: true,
  });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
