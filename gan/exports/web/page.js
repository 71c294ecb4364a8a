// What the user sees: pictures, the walk between those that are chosen, and the controls of both.
const BATCH_SIZE = 8; // between two batches the page answers to its user
const LEAST_PICTURES = 24;
const MOST_PICTURES = 48;
const STEPS_PER_SECOND = 0.5;
const PICTURE_PIXELS = 480; // as gan.images.enlarge

const find = (id) => document.getElementById(id);
const state = { latents: [], labels: [], chosen: [0, 1], position: 0 };

// Pictures.

function draw(canvas, image) {
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      // The array clamps and rounds.
      pixels.data[4 * pixel + channel] = (image[pixel * channels + (channel % channels)] + 1) * 127.5;
    }
    pixels.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

function drawLatents() {
  const random = createRandom(Number(find("seed").value));
  const only = facts.names && find("class").value !== "" ? Number(find("class").value) : null;
  const rows = facts.names ? Math.ceil(LEAST_PICTURES / kinds) * kinds : LEAST_PICTURES;
  const truncation = Number(find("truncation").value);
  state.latents = [];
  state.labels = [];
  for (let row = 0; row < Math.min(rows, MOST_PICTURES); row++) {
    state.latents.push(Float32Array.from({ length: facts.latentDim }, () => random.normal() * truncation));
    if (facts.shares) state.labels.push(drawKind(random.uniform()));
    else if (facts.names) state.labels.push(only ?? row % kinds);
  }
}

let newest = 0; // the number of the newest request for pictures, which stops older ones

async function showSamples() {
  const request = ++newest;
  drawLatents();
  updateTiles();
  showWalk();
  for (let begin = 0; begin < state.latents.length; begin += BATCH_SIZE) {
    const labels = state.labels.slice(begin, begin + BATCH_SIZE);
    const images = await window.generate(state.latents.slice(begin, begin + BATCH_SIZE), labels);
    if (request !== newest) return;
    images.forEach((image, offset) => draw(find("samples").children[begin + offset].querySelector("canvas"), image));
    await new Promise((resolve) => setTimeout(resolve));
    if (request !== newest) return;
  }
}

function updateTiles() {
  const samples = find("samples");
  while (samples.children.length < state.latents.length) samples.append(createTile(samples.children.length));
  [...samples.children].forEach((tile, place) => {
    const order = state.chosen.indexOf(place);
    const name = facts.names?.[state.labels[place]];
    tile.setAttribute("aria-pressed", order >= 0);
    tile.setAttribute("aria-label", `Picture ${place + 1}${name === undefined ? "" : `, ${name}`}`);
    tile.querySelector("b").textContent = order >= 0 ? order + 1 : "";
    tile.querySelector("span").textContent = name ?? "";
  });
}

function createTile(place) {
  const tile = document.createElement("button");
  tile.type = "button";
  tile.append(...["canvas", "b", "span"].map((name) => document.createElement(name)));
  tile.addEventListener("click", () => choose(place));
  return tile;
}

function choose(place) {
  const rest = state.chosen.filter((other) => other !== place);
  if (!rest.length) return; // a picture is always shown
  state.chosen = rest.length < state.chosen.length ? rest : [...rest, place];
  if (rest.length < state.chosen.length) state.position = state.chosen.length - 1; // shows what was chosen
  updateTiles();
  showWalk();
}

// The walk.

/** Interpolates spherically between latents, as gan.latents.walk, and linearly between kinds, as show_walk. */
function findPoint(position) {
  const before = Math.min(Math.floor(position), Math.max(state.chosen.length - 2, 0));
  const share = position - before;
  const [from, to] = [state.chosen[before], state.chosen[before + 1] ?? state.chosen[before]];
  const [start, end] = [state.latents[from], state.latents[to]];
  const product = (one, other) => one.reduce((sum, value, index) => sum + value * other[index], 0);
  const lengths = Math.sqrt(product(start, start) * product(end, end));
  const cosine = Math.max(-1, Math.min(1, product(start, end) / Math.max(lengths, 1e-12)));
  const angle = Math.max(Math.acos(cosine), 1e-6);
  const [startPart, endPart] = [1 - share, share].map((part) => Math.sin(part * angle) / Math.sin(angle));
  const toKind = toWeights(state.labels[to]);
  return {
    latents: start.map((value, index) => startPart * value + endPart * end[index]),
    weights: toWeights(state.labels[from]).map((weight, kind) => (1 - share) * weight + share * toKind[kind]),
  };
}

let isWalkStale = false;
let walking = null;

/** Shows the newest position, leaving out those that the network is too slow for. */
function showWalk() {
  isWalkStale = true;
  walking ??= (async () => {
    try {
      while (isWalkStale) {
        isWalkStale = false;
        updateWalkControls();
        const { latents, weights } = findPoint(state.position);
        const [image] = await generateMixed([latents], [weights]);
        draw(find("picture"), image);
        await showStops();
      }
    } finally {
      walking = null;
    }
  })();
  return walking;
}

let shownStops = "";

async function showStops() {
  const signature = `${newest} ${state.chosen}`;
  if (signature === shownStops) return;
  shownStops = signature;
  const { chosen } = state;
  const labels = chosen.map((place) => state.labels[place]);
  const images = await window.generate(chosen.map((place) => state.latents[place]), labels);
  find("stops").replaceChildren(...images.map(() => document.createElement("canvas")));
  images.forEach((image, index) => draw(find("stops").children[index], image));
}

function updateWalkControls() {
  const last = state.chosen.length - 1;
  state.position = Math.min(state.position, last);
  find("position").max = Math.max(last, 1);
  find("position").value = state.position;
  find("position").disabled = find("play").disabled = !last;
  find("hint").hidden = last > 0;
  if (!last) stop();
}

let playing = 0; // the number of the animation frame that was requested

function play() {
  let before = performance.now();
  let direction = state.position < state.chosen.length - 1 ? 1 : -1;
  const step = (now) => {
    const last = state.chosen.length - 1;
    state.position += ((now - before) / 1000) * STEPS_PER_SECOND * direction;
    before = now;
    if (state.position <= 0 || state.position >= last) direction = state.position <= 0 ? 1 : -1;
    state.position = Math.max(0, Math.min(last, state.position));
    playing = requestAnimationFrame(step);
    showWalk();
  };
  playing = requestAnimationFrame(step);
  find("play").textContent = "Pause";
}

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  find("play").textContent = "Play";
}

function download() {
  const scale = Math.max(1, Math.round(PICTURE_PIXELS / Math.sqrt(width * height)));
  const large = document.createElement("canvas");
  large.width = scale * width;
  large.height = scale * height;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(find("picture"), 0, 0, large.width, large.height);
  large.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${document.title}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
}

// The controls.

function fillControls() {
  find("class-control").hidden = !facts.names;
  const names = ["All classes", ...(facts.names ?? [])];
  find("class").append(...names.map((name, index) => new Option(name, index ? index - 1 : "")));
  find("truncation").value = facts.truncation;
  showTruncation();
}

function showTruncation() {
  find("truncation-value").textContent = Number(find("truncation").value).toFixed(2);
}

function connectControls() {
  find("seed").addEventListener("change", () => {
    const seed = Math.floor(Number(find("seed").value));
    find("seed").value = Math.max(0, Math.min(2 ** 32 - 1, seed));
    showSamples();
  });
  find("random").addEventListener("click", () => {
    find("seed").value = Math.floor(Math.random() * 1e6);
    showSamples();
  });
  find("class").addEventListener("change", showSamples);
  find("truncation").addEventListener("input", () => {
    showTruncation();
    showSamples();
  });
  find("position").addEventListener("input", () => {
    stop();
    state.position = Number(find("position").value);
    showWalk();
  });
  find("play").addEventListener("click", () => (playing ? stop() : play()));
  find("download").addEventListener("click", download);
}

function findMissing() {
  if (typeof WebAssembly === "undefined") return "WebAssembly";
  return typeof DecompressionStream === "undefined" ? "DecompressionStream" : null;
}

async function main() {
  const missing = findMissing();
  if (missing) {
    find("message").textContent = `This browser has no ${missing}, which the generator needs: open the page in a current one.`;
    return;
  }
  window.addEventListener("unhandledrejection", ({ reason }) => showFailure(reason));
  try {
    await start();
    fillControls();
    connectControls();
    find("main").hidden = false;
    await showSamples();
    find("message").hidden = true;
  } catch (error) {
    showFailure(error);
  }
}

function showFailure(error) {
  find("message").hidden = false;
  find("message").textContent = `The generator does not run in this browser (${error?.message ?? error}).`;
}

await main();
