import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { listening, portRefused, whoListens, whyNotListen } from "./port.ts";

test("a port somebody listens on is told apart from a free one, with the process that has it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  expect(await whyNotListen(port, "127.0.0.1")).toBe("EADDRINUSE");
  expect(await whyNotListen(port, "0.0.0.0")).toBe("EADDRINUSE");
  if (process.platform === "linux") expect(whoListens(port)).toBe(process.pid);
  server.close();
  await once(server, "close");
  expect(await whyNotListen(port, "127.0.0.1")).toBeNull();
  expect(whoListens(port)).toBeNull();
});

test("only sockets that listen count, not those that talk from the port", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0FA0 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 30 10 -1
`;
  expect(listening(table, 4000)).toEqual(["4711"]);
  expect(listening(table, 4001)).toEqual([]);
});

test("only a port that somebody has may become free by waiting; one that is not ours is refused at once", () => {
  expect(portRefused(4000, "EADDRINUSE", 17)).toEqual({
    message: "4000 is taken by another program (process 17); stop that one, or give another port",
    mayPass: true,
  });
  expect(portRefused(80, "EACCES", null)).toEqual({
    message: "80 is not ours to listen on (EACCES); give another port, such as 4000",
    mayPass: false,
  });
});
