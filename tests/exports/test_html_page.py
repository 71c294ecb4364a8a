"""The page that runs a generator, opened from disk in a browser."""

import io
import math
import time

import keras
import numpy as np
import pytest
from conftest import only_on_tensorflow
from PIL import Image

import gan
from gan.exports import runtime
from gan.images import enlarge, to_uint8

pytest.importorskip("tf2onnx")
pytestmark = only_on_tensorflow("which writes the network; test_exports.py covers the process that it runs in")
NAMES = ["cat", "dog", "</script>"]


@pytest.fixture(scope="module", autouse=True)
def files():
    """The files of ONNX Runtime Web, from npm."""
    try:
        return runtime.read()
    except ImportError as error:
        pytest.skip(str(error))


def make_gan(num_classes=None, clusters=None):
    keras.utils.set_random_seed(0)
    sizes = {"image_shape": (6, 5, 3), "width": 4, "num_classes": num_classes or clusters}
    networks = gan.build_conv_generator(8, **sizes), gan.build_conv_discriminator(**sizes)
    model = gan.GAN(*networks, num_classes=num_classes, clusters=clusters)
    rng = np.random.default_rng(0)
    for weight in model.generator.weights:
        weight.assign(rng.uniform(0.3 if "variance" in weight.path else -0.6, 0.6, weight.shape))
    if clusters:
        model.clusters.adapt(rng.uniform(-1, 1, (100, 6, 5, 3)))
    return model


@pytest.fixture(scope="module")
def models():
    return {"plain": make_gan(), "classes": make_gan(num_classes=3), "clusters": make_gan(clusters=4)}


@pytest.fixture(scope="module")
def pages(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for kind, model in models.items():
        model.export(folder / f"{kind}.html", "html", class_names=NAMES if kind == "classes" else None)
    return folder


@pytest.fixture
def show(browser, pages):
    """Opens a page from disk, and makes sure that it asks nobody for anything and reports no error."""
    opened, problems, requests = [], [], []

    def show(kind, script=None):
        page = browser.new_page()
        opened.append(page)
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: requests.append(request.url))
        if script:
            page.add_init_script(script)
        page.goto(f"{(pages / kind).as_uri()}.html")
        if not script:
            page.locator("#message").wait_for(state="hidden")
        return page

    yield show
    for page in opened:
        page.close()
    assert not problems
    assert {address.partition(":")[0] for address in requests} <= {"file", "blob"}


def draw(seed, count, has_clusters=False):
    """What the page draws: latents, and a uniform number after each vector if there are clusters."""

    def uniforms(word=seed):
        while True:
            word = (word + 0x6D2B79F5) % 2**32
            mixed = (word ^ word >> 15) * (word | 1) % 2**32
            mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) % 2**32
            yield (mixed ^ mixed >> 14) / 2**32

    numbers, latents, shares = uniforms(), [], []
    for _ in range(count):
        pairs = [(next(numbers), next(numbers)) for _ in range(8)]
        latents.append([math.sqrt(-2 * math.log(1 - one)) * math.cos(2 * math.pi * other) for one, other in pairs])
        shares += [next(numbers)] if has_clusters else []
    return np.array(latents, "float32"), np.array(shares)


def read(canvas):
    """The pixels of a canvas."""
    height, width, data = canvas.evaluate(
        "canvas => [canvas.height, canvas.width, canvas.width && "
        "[...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]]"
    )
    return np.reshape(data, (height, width, 4))[..., :3] if (height, width) == (6, 5) else np.zeros((6, 5, 3))


def assert_shown(canvases, images):
    """Waits until canvases show images, up to one level of 256."""
    canvases, images = [*canvases], [*to_uint8(images).astype(int)]
    assert len(canvases) == len(images)
    end = time.monotonic() + 10
    while canvases:
        if np.abs(read(canvases[-1]) - images[-1]).max() <= 1:
            canvases.pop(), images.pop()
        else:
            assert time.monotonic() < end, "a canvas shows another picture"
            time.sleep(0.02)


def samples(page):
    return page.locator("#samples canvas").all()


def picture(page):
    return page.get_by_role("img", name="The picture on the walk")


@pytest.mark.parametrize("kind", ["plain", "classes", "clusters"])
def test_the_page_generates_what_the_model_does(show, models, kind):
    model, latents = models[kind], np.random.default_rng(0).normal(size=(5, 8)).astype("float32")
    labels = None if kind == "plain" else np.array([0, 1, 2, 1, 0])
    images = show(kind).evaluate(
        "async ([latents, labels]) => (await generate(latents, labels ?? undefined)).map((image) => [...image])",
        [latents.tolist(), None if labels is None else labels.tolist()],
    )
    expected = to_uint8(model.generate(latents=latents, labels=labels))
    assert expected.std() > 20  # the pictures differ
    shown = to_uint8(images).reshape(expected.shape)
    np.testing.assert_allclose(shown.astype(int), expected, atol=1)


def test_every_control_changes_the_pictures(show, models):
    page, model = show("classes"), models["classes"]
    latents, labels = draw(0, 24)[0], np.arange(24) % 3
    assert_shown(samples(page), model.generate(latents=latents, labels=labels))
    assert_shown([picture(page)], model.generate(latents=latents[:1], labels=labels[:1]))

    page.get_by_label("Seed", exact=True).fill("7")
    page.get_by_label("Seed", exact=True).press("Enter")
    latents = draw(7, 24)[0]
    assert_shown(samples(page), model.generate(latents=latents, labels=labels))

    page.get_by_role("button", name="Random seed").click()
    seed = int(page.get_by_label("Seed", exact=True).input_value())
    latents = draw(seed, 24)[0]
    assert seed != 7
    assert_shown(samples(page), model.generate(latents=latents, labels=labels))

    page.get_by_label("Class").select_option("</script>")
    labels = np.full(24, 2)
    assert_shown(samples(page), model.generate(latents=latents, labels=labels))

    page.get_by_label("Truncation").press("ArrowLeft")
    page.get_by_label("Truncation").press("PageDown")
    truncation = float(page.get_by_label("Truncation").input_value())
    assert 0.5 < truncation < 1
    assert_shown(samples(page), model.generate(latents=latents, labels=labels, truncation=truncation))


def test_a_walk_leads_through_the_chosen_pictures(show, models):
    page, model = show("classes"), models["classes"]
    position = page.get_by_label("Position between the chosen pictures")
    frames = gan.latents.show_walk(model, draw(0, 2)[0], 4, labels=[0, 1])[:5]
    for place, frame in enumerate(frames):
        position.fill(str(place / 4))
        assert_shown([picture(page)], frame[None])

    page.get_by_role("button", name="Picture 6, </script>").press("Enter")
    page.get_by_role("button", name="Picture 1, cat").press("Space")
    latents = draw(0, 6)[0][[1, 5]]
    frames = gan.latents.show_walk(model, latents, 2, labels=[1, 2])[:3]
    assert_shown(page.locator("#stops canvas").all(), frames[::2])
    position.press("Home")
    assert_shown([picture(page)], frames[:1])
    position.fill("0.5")
    assert_shown([picture(page)], frames[1:2])

    page.get_by_role("button", name="Picture 6, </script>").click()
    assert position.is_disabled() and page.get_by_text("Choose another picture").is_visible()
    page.get_by_role("button", name="Picture 2, dog").click()  # the last one stays chosen
    assert page.get_by_role("button", name="Picture 2, dog").get_attribute("aria-pressed") == "true"


def test_a_walk_plays_pauses_and_is_downloaded(show, models):
    page, model = show("plain"), models["plain"]
    position = page.get_by_label("Position between the chosen pictures")
    page.get_by_role("button", name="Play").click()
    end = time.monotonic() + 10
    while float(position.input_value()) < 0.2 and time.monotonic() < end:
        time.sleep(0.02)
    page.get_by_role("button", name="Pause").click()
    share = page.evaluate("() => new Promise((done) => setTimeout(() => done(document.all.position.value), 200))")
    assert 0.2 <= float(share) < 1
    time.sleep(0.3)
    assert position.input_value() == share
    latents = gan.latents.walk(draw(0, 2)[0], 100)[round(100 * float(share))]
    shown = read(picture(page))
    assert np.abs(shown - to_uint8(model.generate(latents=latents[None])).astype(int)).max() <= 6  # 1/100 is a step
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    assert download.value.suggested_filename == "plain.png"
    saved = Image.open(io.BytesIO(download.value.path().read_bytes())).convert("RGB")
    np.testing.assert_array_equal(np.asarray(saved), enlarge(shown.astype("uint8")))


def test_a_gan_with_clusters_draws_and_mixes_them(show, models):
    page, model = show("clusters"), models["clusters"]
    latents, shares = draw(0, 24, has_clusters=True)
    clusters = np.searchsorted(np.cumsum(np.array(model.clusters.shares)), shares, side="right")
    assert len(set(clusters)) == 4
    assert_shown(samples(page), model.generate(latents=latents, labels=clusters))
    page.get_by_label("Position between the chosen pictures").fill("0.5")
    halves = np.eye(4)[clusters[:2]].mean(0, keepdims=True)
    expected = gan.latents.mix_classes(model, gan.latents.walk(latents[:2], 2)[1:2], halves)
    assert_shown([picture(page)], expected)
    assert page.get_by_label("Class").count() == 0 or not page.get_by_label("Class").is_visible()


@pytest.mark.parametrize("missing", ["WebAssembly", "DecompressionStream"])
def test_a_browser_that_is_too_old_is_a_sentence(show, missing):
    page = show("plain", f"delete window.{missing}")
    page.get_by_text(
        f"This browser has no {missing}, which the generator needs: open the page in a current one."
    ).wait_for()


def test_the_largest_preset_stays_below_10_megabytes(tmp_path):
    model = gan.presets.build(gan.presets.resolve("reference"))
    model.export(tmp_path / "reference.html", "html")
    assert (tmp_path / "reference.html").stat().st_size < 10e6


def test_names_must_fit_the_classes(models, tmp_path):
    with pytest.raises(ValueError, match="2 names for num_classes=3"):
        models["classes"].export(tmp_path / "page.html", "html", class_names=["one", "two"])
    assert not [*tmp_path.iterdir()]


def test_the_command_writes_a_page_with_the_truncation_it_starts_with(models, tmp_path, browser, run_here):
    models["plain"].save(tmp_path / "model.keras")
    arguments = ["--format", "html", "--output", tmp_path / "small.html", "--truncation", 0.7]
    out = run_here("export.py", tmp_path / "model.keras", *arguments).out
    assert out.startswith(f"{tmp_path / 'small.html'}: a page of 4.2 MB to open in a browser")
    page = browser.new_page()
    page.goto((tmp_path / "small.html").as_uri())
    page.locator("#message").wait_for(state="hidden")
    assert page.title() == "small" and page.get_by_label("Truncation").input_value() == "0.7"
    assert_shown(samples(page), models["plain"].generate(latents=draw(0, 24)[0], truncation=0.7))
    page.close()
