// The generator in the browser: latents and classes become images, by ONNX Runtime Web.
const facts = JSON.parse(document.getElementById("facts").textContent);
const [height, width, channels] = facts.shape;
const kinds = facts.names?.length ?? facts.shares?.length ?? 0; // classes, or clusters of similar images

// Random numbers: a standard normal generator with a seed (mulberry32, then Box and Muller).

function createRandom(seed) {
  let word = seed >>> 0;
  const uniform = () => {
    word = (word + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(word ^ (word >>> 15), word | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

function drawKind(share) {
  let kind = 0;
  for (let sum = facts.shares[0]; sum <= share && kind < kinds - 1; sum += facts.shares[kind]) kind++;
  return kind;
}

let ort, session;
let lastRun = Promise.resolve();

async function unpack(id) {
  const element = document.getElementById(id);
  const packed = Uint8Array.from(atob(element.textContent.trim()), (letter) => letter.charCodeAt(0));
  element.remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function start() {
  const module = URL.createObjectURL(new Blob([await unpack("runtime")], { type: "text/javascript" }));
  ort = await import(module);
  ort.env.wasm.wasmBinary = await unpack("binary");
  ort.env.wasm.numThreads = 1; // more need headers of a server
  ort.env.logLevel = "error";
  session = await ort.InferenceSession.create(await unpack("model"));
}

/** Returns images of latents, each an array of floats in [-1, 1]. Weights say what each kind contributes. */
async function generateMixed(latents, weights) {
  const feeds = { latents: toTensor(latents) };
  if (kinds) feeds.weights = toTensor(weights);
  lastRun = lastRun.catch(() => {}).then(() => session.run(feeds)); // one after another
  const { data } = (await lastRun)[session.outputNames[0]];
  const size = height * width * channels;
  return latents.map((_, row) => data.slice(row * size, (row + 1) * size));
}

function toTensor(rows) {
  return new ort.Tensor("float32", Float32Array.from(rows.flatMap((row) => [...row])), [rows.length, rows[0].length]);
}

function toWeights(label) {
  return Array.from({ length: kinds }, (_, kind) => Number(kind === label));
}

// For the browser's console, and for tests: as `generate` of the model.
window.generate = (latents, labels = []) => generateMixed(latents, labels.map(toWeights));
