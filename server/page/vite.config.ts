import { defineConfig } from "vite";

// Names without hashes: the program embeds these files by name, and its server says that browsers ask again.
export default defineConfig({
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    rollupOptions: {
      output: { entryFileNames: "page/page.js", chunkFileNames: "page/[name].js", assetFileNames: "page/page[extname]" },
    },
  },
  // `npm run dev` with a `tessera serve --workspace DIR` beside it. The server takes requests of its own page only.
  server: {
    proxy: {
      "/tessera": {
        target: "http://127.0.0.1:8080",
        changeOrigin: true,
        configure: (proxy) => proxy.on("proxyReq", (request) => request.setHeader("Origin", "http://127.0.0.1:8080")),
      },
    },
  },
});
