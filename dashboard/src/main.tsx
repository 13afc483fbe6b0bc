import "./look/look.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { z } from "zod";
import { newClient } from "./ask/queries.ts";
import { newRouter } from "./router.tsx";

// Zod would compile its parsers with eval, which the page's policy forbids and reports.
z.config({ jitless: true });

const client = newClient(() => {
  // The session ended while the page was open: ask for it again, which leads to the sign-in and back.
  client.removeQueries({ queryKey: ["session"] });
  void router.invalidate();
});
const router = newRouter(client);

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
