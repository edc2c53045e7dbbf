"""``bongsu evidence``: keep an incident's logs and traffic, seal them, prove them unaltered."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bongsu.cli import language, means
from bongsu.cli.printing import AsJson, Json, print_json
from bongsu.cli.recovering import REFUSED, Namespace, do, refuse, say
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False, help=means("evidence"))

Folder = Annotated[Path, typer.Argument(help=t(N_("the folder of one incident's evidence")))]
By = Annotated[str | None, typer.Option(help=t(N_("who does it, for the chain of custody")))]

TROUBLES = {
    "altered": N_("altered: {subject}"),
    "missing": N_("missing: {subject}"),
    "added": N_("added: {subject}"),
    "custody": "{detail}",
    "seal": N_("the seal does not fit: {detail}"),
    "not_sealed": N_("{subject} is not sealed"),
}


@app.command("open", help=t(N_("Begin a folder of evidence")))
def open_(
    folder: Folder,
    *,
    case: Annotated[str, typer.Option(help=t(N_("the incident's number")))],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Begin a folder, or go on with it."""
    from bongsu.actions.evidence.folder import open_folder

    async def work() -> None:
        open_folder(folder, case, _now(), by)

    do(work())
    text = t("Evidence of {case} is kept in {folder}.", case=case, folder=folder)
    say(text, {"folder": str(folder), "case": case}, as_json=as_json)


@app.command(help=t(N_("Keep the logs of all containers, previous ones too, and their objects")))
def collect(
    folder: Folder,
    *,
    namespace: Namespace,
    workload: Annotated[
        str | None, typer.Option(help=t(N_("as deployment/korea-backend; else every pod")))
    ] = None,
    timeout: Annotated[float, typer.Option(help=t(N_("seconds for each log")))] = 60.0,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Keep what would be gone after a restart."""
    from bongsu.actions.evidence.collecting import Cluster
    from bongsu.actions.evidence.collecting import collect as keep
    from bongsu.actions.evidence.folder import existing

    cluster = Cluster(namespace, os.environ, timeout)

    async def work() -> Json:
        kept = await keep(existing(folder, _now(), by), cluster, workload)
        files = [str(one.relative_to(folder)) for one in kept.files]
        return {"files": files, "none": kept.none, "failed": kept.failed}

    view = do(work())
    if as_json:
        print_json(view)
    else:
        for name in view["files"]:
            print(name)
        for name, why in view["failed"].items():
            print(t("{name} could not be kept whole: {why}", name=name, why=why))
        count, none = len(view["files"]), len(view["none"])
        print(t("{count} files kept; {none} logs do not exist.", count=count, none=none))
    if view["failed"]:
        raise typer.Exit(REFUSED)


@app.command(help=t(N_("Capture traffic for so long and so much at most")))
def capture(
    folder: Folder,
    *,
    name: Annotated[
        str | None,
        typer.Option(help=t(N_("the file's name, without its ending; else net, net-2 …"))),
    ] = None,
    interface: Annotated[str, typer.Option("--interface", "-i")] = "any",
    address: Annotated[
        str, typer.Option(help=t(N_("only traffic of this address; none takes all")))
    ] = "none",
    seconds: Annotated[float, typer.Option(min=0.1, max=86_400)] = 60.0,
    megabytes: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    background: Annotated[
        bool, typer.Option("--background", help=t(N_("return as soon as it captures")))
    ] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Capture traffic into the evidence; it ends by itself."""
    from bongsu.actions.addresses.guard import read
    from bongsu.actions.evidence.capturing import Capture, free_name, start
    from bongsu.actions.evidence.capturing import capture as record
    from bongsu.actions.evidence.folder import existing

    async def work() -> Json:
        only = None if address == "none" else str(read(address))
        known = existing(folder, _now(), by)
        file = name or free_name(known)
        if not background:
            wanted = Capture(file, interface, only, seconds, megabytes)
            return dict(await record(known, wanted, os.environ))
        more = ["--address", only] if only else []
        await start(known, file, [
            f"--name={file}", f"--interface={interface}", f"--seconds={seconds}",
            f"--megabytes={megabytes}", *([f"--by={by}"] if by else []), *more,
        ])  # fmt: skip
        return {"file": f"items/captures/{file}.pcap", "ended": "running"}

    view = do(work())
    if background:
        text = t(N_("Capturing into {file}, for {seconds} s or {megabytes} MiB at most."))
        text = text.format(**view, seconds=f"{seconds:g}", megabytes=megabytes)
    else:
        text = t("{file}: {bytes} bytes, sha256 {sha256}", **view)
    say(text, view, as_json=as_json)


@app.command(help=t(N_("Close the folder for good; prints the seal")))
def seal(
    folder: Folder,
    *,
    wait: Annotated[float, typer.Option(help=t(N_("seconds to wait for captures to end")))] = 0.0,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Seal what was collected."""
    from bongsu.actions.evidence import sealing
    from bongsu.actions.evidence.folder import existing

    async def work() -> str:
        known = existing(folder, _now(), by)
        await sealing.captures_over(known, wait)
        return sealing.seal(known)

    sealed = do(work())
    say(t("Sealed: {seal}", seal=sealed), {"seal": sealed}, as_json=as_json)


@app.command(help=t(N_("Prove that nothing was altered, taken out or put in")))
def verify(
    folder: Folder,
    *,
    expected: Annotated[
        str | None, typer.Option("--seal", help=t(N_("the seal, as it was printed then")))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a sealed folder."""
    from bongsu.actions.evidence import sealing

    async def work() -> sealing.Verified:
        return sealing.verify(folder, expected)

    found = do(work())
    view = {
        "whole": found.whole, "seal": found.seal, "files": found.files,
        "troubles": [
            {"code": one.code, "subject": one.subject, "detail": one.detail.says("en")}
            for one in found.troubles
        ],
    }  # fmt: skip
    if as_json:
        print_json(view)
    elif found.whole:
        print(t("{files} files are as they were sealed: {seal}", **view))
    else:
        for one in found.troubles:
            print(t(TROUBLES[one.code], subject=one.subject, detail=one.detail.says(t.lang)))
    if not found.whole:
        raise typer.Exit(REFUSED)


@app.command(help=t(N_("Add to the chain of custody, such as a handover; also once it is sealed")))
def note(
    folder: Folder,
    text: Annotated[str, typer.Argument(help=t(N_("what was done")))],
    *,
    by: By = None,
) -> None:
    """Add a note."""
    from bongsu.actions.evidence.folder import existing

    async def work() -> None:
        existing(folder, _now(), by).note("noted", {"text": text})

    do(work())
    print(t(N_("Kept.")))


@app.command(help=t(N_("Show the chain of custody")))
def custody(folder: Folder, *, as_json: AsJson = False) -> None:
    """Show who did what, and when."""
    import msgspec

    from bongsu.actions.evidence.custody import EvidenceError, read

    chain = read(folder)
    if as_json:
        entries = msgspec.to_builtins(chain.entries)
        print_json({"entries": entries, "broken": chain.broken and chain.broken.says("en")})
    else:
        for one in chain.entries:
            what = ", ".join(f"{name}={value}" for name, value in one.details.items())
            print(f"{one.at.isoformat()}  {one.who}  {one.action}  {what}")
    try:
        chain.must_be_whole()
    except EvidenceError as error:
        refuse(error)


def _now() -> Callable[[], datetime]:
    from bongsu.engine.clock import SystemClock

    return SystemClock().now
