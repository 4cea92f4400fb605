#!/usr/bin/env python3
"""Makes the pictures in this folder and, beside each, NAME.rgb.png: what Pillow shows of it, on white.

  make.py       (Pillow 13, numpy; by hand, its output is committed)
"""
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)
w, h = 23, 17
y, x = np.mgrid[0:h, 0:w]
rgb = np.stack([x * 255 // w, y * 255 // h, (x * y * 7) % 256], -1).astype(np.uint8)
alpha = (x * 255 // (w - 1)).astype(np.uint8)
rgba = np.dstack([rgb, alpha])


def png(name, colour_type, bits, samples, *chunks):
    """A PNG written by hand. samples: [h, bytes per row]."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    raw = b"".join(b"\0" + bytes(row) for row in samples)
    (here / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour_type, 0, 0, 0))
                              + b"".join(chunk(k, d) for k, d in chunks) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def be16(a):
    return np.ascontiguousarray(a.astype(">u2")).view(np.uint8).reshape(h, -1)


wide = (rgba.astype(np.uint16) * 256 + rng.integers(0, 256, rgba.shape)).astype(np.uint16)
gray = rgb[..., 2]
Image.fromarray(rgba).save(here / "rgba.png")
Image.fromarray(np.dstack([gray, alpha]), "LA").save(here / "gray_alpha.png")
png("rgba16.png", 6, 16, be16(wide))
png("rgb16.png", 2, 16, be16(wide[..., :3]))
png("gray_alpha16.png", 4, 16, be16(wide[..., 2:]))
png("gamma.png", 2, 8, rgb.reshape(h, -1), (b"gAMA", struct.pack(">I", 100000)))
palette = rng.integers(0, 256, (16, 3)).astype(np.uint8)
indices = ((x + y) % 16).astype(np.uint8)
png("palette_trns.png", 3, 8, indices, (b"PLTE", palette.tobytes()), (b"tRNS", bytes(range(0, 160, 16))))
png("rgb_trns.png", 2, 8, rgb.reshape(h, -1), (b"tRNS", struct.pack(">HHH", *map(int, rgb[3, 4]))))
bits = np.packbits(((x + y) % 3 == 0).astype(np.uint8), axis=1)
png("bilevel.png", 0, 1, bits)

photo = Image.fromarray(rgb)
photo.convert("L").save(here / "gray.jpg", quality=90)
photo.save(here / "rgb420.jpg", quality=90)
photo.save(here / "progressive.jpg", quality=90, progressive=True)
photo.convert("CMYK").save(here / "cmyk.jpg", quality=90)
exif = Image.Exif()
for orientation in range(1, 9):
    exif[0x0112] = orientation
    photo.save(here / f"orientation{orientation}.png", exif=exif)
exif[0x0112] = 6
photo.save(here / "orientation6.jpg", quality=90, exif=exif)
photo.save(here / "orientation6.webp", lossless=True, exif=exif)

Image.fromarray(rgba).save(here / "rgba_lossless.webp", lossless=True, exact=True)
Image.fromarray(rgba).save(here / "rgba_lossy.webp", quality=80)
photo.save(here / "rgb_lossy.webp", quality=80)
Image.fromarray(rgba).save(here / "animated.webp", save_all=True, append_images=[photo], lossless=True, exact=True)

quantized = photo.quantize(32)
quantized.save(here / "plain.gif")
quantized.save(here / "interlaced.gif", interlace=1)
quantized.save(here / "animated.gif", save_all=True, append_images=[quantized.transpose(Image.Transpose.FLIP_TOP_BOTTOM)])
quantized.save(here / "transparent.gif", transparency=quantized.getpixel((5, 5)))

for path in sorted(here.iterdir()):
    if path.suffix not in {".png", ".jpg", ".webp", ".gif"} or path.name.endswith(".rgb.png"):
        continue
    picture = ImageOps.exif_transpose(Image.open(path))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture.convert("RGB").save(here / (path.name + ".rgb.png"), optimize=True)
