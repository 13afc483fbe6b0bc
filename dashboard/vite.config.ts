import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The interface's face is asked for with the page, not after its styles: text appears once, in its own face, and nothing jumps. */
function preloadFace(file: RegExp): Plugin {
  return {
    name: "preload-face",
    transformIndexHtml(html, { bundle }) {
      const face = Object.keys(bundle ?? {}).find((name) => file.test(name));
      if (!face) return html;
      const attrs = { rel: "preload", href: `/${face}`, as: "font", type: "font/woff2", crossorigin: "" };
      return { html, tags: [{ tag: "link", attrs, injectTo: "head" }] };
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), preloadFace(/inter-latin-wght-normal.*\.woff2$/)],
  build: {
    target: "baseline-widely-available",
    // The page's policy allows no data: fonts, and an inlined asset is fetched again with every release.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Client markers of React Server Components in libraries: there is no such server here.
      onLog: (level, log, say) => {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") say(level, log);
      },
    },
  },
  server: { proxy: { "/api": process.env.API ?? "http://127.0.0.1:8790" } },
});
