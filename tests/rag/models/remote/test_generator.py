"""Another server's model: the packaged one run by llama-cpp-python, and one that misbehaves on purpose."""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.errors import Busy, ServerBusy, TooLarge, Unavailable
from rag.models.chat_formats import MESSAGES, Message, render
from rag.models.generation import (
    FinishedEvent,
    FinishReason,
    GenerationRequest,
    GeneratorState,
    PromptPart,
    TokenEvent,
)
from rag.models.remote.generator import Limits, RemoteGenerator
from rag.models.remote.server import ModelServer
from tests.llama_cpp_server import ModelApp
from tests.rag.models.remote.conftest import QUICK
from tests.scripted_model_server import Act, Answering, Script, refuse, say, scripted

SECRET = "Canary-7f3a"


def asking(question: str = SECRET, **values: Any) -> GenerationRequest:
    prompt = render([Message("user", question)], MESSAGES)
    return GenerationRequest(tuple(prompt), **values)


def ask(generator: RemoteGenerator, question: str = SECRET, **values: Any) -> tuple[str, FinishedEvent]:
    *tokens, last = list(generator.generate(asking(question, **values)))
    assert isinstance(last, FinishedEvent)
    return "".join(event.text for event in tokens if isinstance(event, TokenEvent)), last


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "nothing happened within 10 s"
        time.sleep(0.01)


# Another program's server.


def test_a_real_server_answers(llama: RemoteGenerator, llama_app: ModelApp) -> None:
    text, last = ask(llama, "Write about the sea.", max_tokens=12)
    assert text
    assert last.finish_reason is FinishReason.LENGTH
    assert last.usage.prompt_tokens > 5
    assert last.timings.keys() == {"queue", "prefill", "decode"}
    assert llama_app.seen[-1]["messages"] == [{"role": "user", "content": "Write about the sea."}]
    assert llama.identity.name.startswith("SmolLM2-135M-Instruct.Q4_1 at 127.0.0.1:")
    assert llama.identity.sha256 == ""


def test_a_real_server_stops_when_nobody_listens(llama: RemoteGenerator, llama_app: ModelApp) -> None:
    generation = llama.generate(asking("Write a long story.", max_tokens=700, temperature=1.0, seed=1))
    assert isinstance(next(generation), TokenEvent)
    generation.close()
    until(lambda: llama.load == 0)
    until(lambda: llama_app.running == 0)
    assert llama.cancellations.count


# A server that does as it is told.


def test_whole_and_streamed_answers_are_the_same(remote: RemoteGenerator, script: Script) -> None:
    def in_one_piece(answering: Answering) -> None:
        choice = {"message": {"content": "It is 41. [1]"}, "finish_reason": "stop"}
        answering.whole(200, {"choices": [choice], "usage": {"prompt_tokens": 4, "completion_tokens": 6}})

    script.acts += [say("It is", " 41. [", "1]"), in_one_piece]
    streamed, whole = (ask(remote, citations=(1,)) for _ in range(2))
    assert streamed[0] == whole[0] == "It is 41. [1]"
    assert (whole[1].usage.prompt_tokens, whole[1].usage.completion_tokens) == (4, 6)


def test_a_copy_is_found_in_its_source(remote: RemoteGenerator, script: Script) -> None:
    script.acts += [say("41 metres"), say("42 metres")]
    sources = ("The tower is 41 metres high.",)
    copied = [ask(remote, copy_from=sources)[1].copied for _ in range(2)]
    assert copied[0] is not None
    assert sources[0][copied[0].start : copied[0].end] == "41 metres"
    assert copied[1] is None


def test_one_that_waits_is_woken_when_it_is_cancelled(remote: RemoteGenerator, script: Script) -> None:
    from rag.models.cancellation import Cancelled

    gone = threading.Event()

    def says_no_more(answering: Answering) -> None:
        answering.begin()
        answering.write("It is")
        gone.wait(30)

    script.acts.append(says_no_more)
    generation = remote.generate(asking())
    assert isinstance(next(generation), TokenEvent)
    threading.Timer(0.05, generation.cancel).start()
    try:
        with pytest.raises(Cancelled):
            list(generation)
    finally:
        gone.set()


def test_what_follows_a_stop_string_is_not_waited_for(remote: RemoteGenerator, script: Script) -> None:
    gone = threading.Event()

    def never_ends(answering: Answering) -> None:
        answering.begin()
        try:
            while True:
                answering.write("A line.\n")
                time.sleep(0.01)
        except OSError:
            gone.set()

    script.acts.append(never_ends)
    assert ask(remote, stop=("\n",))[0] == "A line."
    assert gone.wait(5)


def dies(answering: Answering) -> None:
    answering.begin()
    answering.write(f"Half of {SECRET}")


def breaks_off(answering: Answering) -> None:
    answering.send_response(200)
    answering.send_header("Content-Type", "text/event-stream")
    answering.send_header("Transfer-Encoding", "chunked")
    answering.end_headers()
    answering.send(b"fff\r\ndata: {")
    answering.close_connection = True


def malformed(answering: Answering) -> None:
    answering.begin()
    answering.send(f"data: {{{SECRET}\n\n".encode())


def web_page(answering: Answering) -> None:
    answering.whole(200, f"<html>{SECRET}</html>", Content_Type="text/html")


def sleeps(answering: Answering) -> None:
    time.sleep(1)


def stalls(answering: Answering) -> None:
    answering.begin()
    answering.write("A word")
    time.sleep(1)


def error_inside(answering: Answering) -> None:
    answering.begin()
    answering.send(b'data: {"error": {"message": "' + SECRET.encode() + b'"}}\n\n')


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (refuse(401), "model_server_refused"),
        (refuse(404), "model_server_refused"),
        (refuse(307, Location="http://192.0.2.1/v1/chat/completions"), "model_server_refused"),
        (refuse(500, {"error": SECRET}), "model_server_failed"),
        (malformed, "model_server_failed"),
        (web_page, "model_server_failed"),
        (error_inside, "model_server_failed"),
        (dies, "model_server_unreachable"),
        (breaks_off, "model_server_unreachable"),
    ],
)
def test_a_failure_has_a_code_says_nothing_of_the_text_and_is_got_over(
    remote: RemoteGenerator, script: Script, act: Act, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    script.acts.append(act)
    with caplog.at_level(logging.DEBUG, "rag"), pytest.raises(Unavailable) as caught:
        ask(remote)
    assert caught.value.code == code
    assert SECRET not in str(caught.value) + caplog.text
    remote.wait_ready(10)
    assert ask(remote)[0] == "three."
    assert remote.tally.totals().generations["error"] == 1


@pytest.mark.parametrize("act", [sleeps, stalls])
def test_silence_is_not_waited_out(url: str, script: Script, act: Act) -> None:
    with RemoteGenerator(ModelServer(url, silence_s=0.4), QUICK) as generator:
        generator.wait_ready(20)
        script.acts.append(act)
        with pytest.raises(Unavailable, match="model_server_slow"):
            ask(generator)
        generator.wait_ready(20)


def test_too_much_to_do_is_no_failure_of_the_server(remote: RemoteGenerator, script: Script) -> None:
    script.acts.append(refuse(429, Retry_After="7"))
    with pytest.raises(ServerBusy) as caught:
        ask(remote)
    assert (caught.value.code, caught.value.retry_after) == ("model_server_busy", 7)
    assert remote.status.state is GeneratorState.READY


def test_too_long_is_found_here_or_there(remote: RemoteGenerator, script: Script) -> None:
    with pytest.raises(TooLarge, match="prompt_too_long"):
        ask(remote, "word " * 600)
    script.acts.append(refuse(400, {"error": {"code": "context_length_exceeded"}}))
    with pytest.raises(TooLarge, match="prompt_too_long"):
        ask(remote)
    assert remote.status.state is GeneratorState.READY


def test_no_request_takes_for_ever(url: str, script: Script) -> None:
    def drips(answering: Answering) -> None:
        answering.begin()
        for number in range(200):
            answering.write(f"word{number} ")
            time.sleep(0.02)

    with RemoteGenerator(ModelServer(url), Limits(total_s=0.3)) as generator:
        generator.wait_ready(10)
        script.acts.append(drips)
        with pytest.raises(Unavailable, match="model_server_slow"):
            ask(generator)


def test_too_many_at_once(remote: RemoteGenerator, script: Script) -> None:
    script.acts += [stalls] * 3
    taken = [remote.generate(asking()) for _ in range(3)]
    with pytest.raises(Busy, match="generator_busy"):
        remote.generate(asking())
    for generation in taken:
        generation.close()
    until(lambda: remote.load == 0)


def test_a_server_that_goes_away_is_done_without_and_found_again(script: Script) -> None:
    with scripted(script) as url:
        generator = RemoteGenerator(ModelServer(url), QUICK).start()
        generator.wait_ready(10)
    with pytest.raises(Unavailable) as caught:
        ask(generator)
    assert caught.value.code == "model_server_unreachable"
    assert generator.status.state is GeneratorState.RESTARTING
    began = time.monotonic()
    with pytest.raises(Unavailable, match="model_server_unreachable"):
        generator.wait_ready(0)
    assert time.monotonic() - began < 1  # who can do without does not wait
    with scripted(script, int(url.split(":")[2].split("/")[0])):
        generator.wait_ready(10)
        assert ask(generator)[0] == "three."
        generator.close()


def test_one_that_was_never_there_is_waited_for_until_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    generator = RemoteGenerator(ModelServer(f"http://127.0.0.1:{port}/v1"), QUICK).start()
    until(lambda: generator.status.reason)
    assert "cannot be connected to" in generator.status.reason
    threading.Timer(0.1, generator.close).start()
    with pytest.raises(Unavailable, match="shutting_down"):
        generator.wait_ready()
    with pytest.raises(Unavailable, match="shutting_down"):
        generator.generate(asking())


def test_closing_ends_what_runs(url: str, script: Script) -> None:
    generator = RemoteGenerator(ModelServer(url), QUICK).start()
    generator.wait_ready(10)
    script.acts.append(stalls)
    generation = generator.generate(asking())
    assert isinstance(next(generation), TokenEvent)
    generator.close()
    with pytest.raises(Unavailable, match="shutting_down"):
        list(generation)


def test_the_key_is_read_from_its_file_and_never_told(
    script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = tmp_path / "key"
    key.write_text("two words")
    with (
        caplog.at_level(logging.DEBUG),
        scripted(script) as url,
        RemoteGenerator(ModelServer(url, key_file=key), QUICK) as generator,
    ):
        until(lambda: generator.status.reason)
        assert "file holds something else" in generator.status.reason
        key.write_text("sk-canary\n")
        generator.wait_ready(10)
    assert script.authorizations == ["Bearer sk-canary"]
    assert "sk-canary" not in caplog.text


def test_the_model_is_the_first_listed_or_the_one_that_is_named(url: str, script: Script) -> None:
    for named, sent in ((None, "scripted"), ("mine", "mine")):
        with RemoteGenerator(ModelServer(url, named), QUICK) as generator:
            generator.wait_ready(10)
            assert generator.identity.name.startswith(f"{sent} at 127.0.0.1:")
        assert script.seen[-1]["model"] == sent


def test_certificates_are_verified(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not here")
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.load_cert_chain(certificate, key)
    with scripted(script, tls=trusted) as url:
        assert url.startswith("https://")
        with RemoteGenerator(ModelServer(url), QUICK) as generator:
            until(lambda: generator.status.reason)
            assert "certificate" in generator.status.reason
        assert script.seen == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with RemoteGenerator(ModelServer(url), QUICK) as generator:
            generator.wait_ready(10)
    assert script.seen


def test_a_prompt_without_turns_is_the_users(remote: RemoteGenerator, script: Script) -> None:
    list(remote.generate(GenerationRequest((PromptPart("One"), PromptPart(" <|im_end|>")))))
    assert script.seen[-1]["messages"] == [{"role": "user", "content": "One < |im_end|>"}]
