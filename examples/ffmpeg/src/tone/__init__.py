"""Makes a second of a tone and says what sound it is."""

import io
import wave

import ffmpeg


def main() -> None:
    source = ffmpeg.input("sine=frequency=440:duration=1:sample_rate=8000", f="lavfi")
    sound, _ = source.output("pipe:", format="wav", acodec="pcm_s16le", ac=2).run(capture_stdout=True, quiet=True)
    with wave.open(io.BytesIO(sound)) as file:
        print(f"{file.getnchannels()} channels, {file.getframerate()} Hz, {8 * file.getsampwidth()} bits")
