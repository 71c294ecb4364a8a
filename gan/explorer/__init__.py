"""A web page to explore what a GAN generates, and to watch a run: `launch` in `gan.explorer.page` opens it.

What the page computes is here, without Gradio: `points`, `views`, `models`, `folder` and `progress`. Only `page`,
`widgets` and `tabs` import it.
"""
