// @ts-check
// Preloaded (node --import) into a program of others that a start waits for: npm, Vite. It ends when whoever started it is gone, however that
// one ended: an npm that outlived a killed start would write into the folder that the next one installs.
const end = () => process.kill(process.pid, "SIGKILL");
process.once("disconnect", end);
if (process.connected === false) end(); // gone before we could listen
// Whoever has the channel to hear it does not have it to stay: the program ends when it has done its work.
process.channel?.unref();
