"""Holds the running portal against its OpenAPI document with schemathesis, as nobody, viewer, admin and operator.

    PORTAL_READY=…/ready.json python run.py [seconds in all]

Started by `scripts/test contract`. Ends with 1 when anything is found.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

# Address of each role's demo account; nobody has none.
ROLES = {
    "nobody": None,
    "viewer": "viewer@acme.example",
    "admin": "admin@acme.example",
    "operator": "operator@portal.example",
}

# Operations that are not called, each with its reason; `tests/api/matrix.rs` calls all of them.
LEFT_OUT = {
    "logout": "ends the session that the run holds",
    "switch_tenant": "gives the session another token",
    "reauthenticate": "gives the session another token",
    "change_password": "gives the session another token",
    "end_own_sessions": "ends the session that the run holds",
    "end_own_session": "may end the session that the run holds",
    "remove_member": "may take the one who runs out of the team",
    "change_member": "may make the admin a viewer",
    "delete_tenant": "a tenant in its days of grace is still there, which looks like a removal that failed",
    "end_member_sessions": "may end the session that the run holds",
}

# Checks that are not made, each with its reason.
UNCHECKED = {
    "positive_data_acceptance": "a schema cannot say that `from` lies before `to` or that a metric exists: 422 is right",
}


def sign_in(url, email, password):
    """The headers of a signed-in page."""
    body = json.dumps({"email": email, "password": password}).encode()
    headers = {"content-type": "application/json", "origin": url}
    request = urllib.request.Request(f"{url}/api/auth/login", body, headers)
    with urllib.request.urlopen(request) as answer:
        cookie = answer.headers["set-cookie"].split(";")[0]
        session = json.load(answer)
    return {"Cookie": cookie, "X-CSRF-Token": session["csrf_token"]}


def lives(url, headers):
    """Whether the session is still there: else the rest of the run was nobody's."""
    request = urllib.request.Request(f"{url}/api/auth/session", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def command(url, headers, seconds):
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    parts = [program, "--config-file", os.path.join(os.path.dirname(__file__), "schemathesis.toml"), "run"]
    parts += [f"{url}/api/openapi.json", "--url", url, "--workers", "2", "--max-time", str(seconds)]
    # Chains of calls are made anew in every run: a stage that others wait for should not be a matter of luck.
    parts += ["--phases", "examples,coverage,fuzzing"]
    parts += ["--no-color", "--seed", "7", "--request-timeout", "10", "--generation-database", "none"]
    for check in UNCHECKED:
        parts += ["--exclude-checks", check]
    for operation in LEFT_OUT:
        parts += ["--exclude-operation-id", operation]
    for name, value in {"Origin": url, **headers}.items():
        parts += ["--header", f"{name}: {value}"]
    return parts


def main():
    with open(os.environ["PORTAL_READY"], encoding="utf-8") as file:
        ready = json.load(file)
    url = ready["url"].rstrip("/")
    passwords = {account["email"]: account["password"] for account in ready["accounts"]}
    seconds = int(sys.argv[1] if len(sys.argv) > 1 else 80) // len(ROLES)
    for operation, why in LEFT_OUT.items():
        print(f"not called: {operation} ({why})")
    failed = []
    # All of them first: who tries so many passwords is made to wait.
    sessions = {role: sign_in(url, email, passwords[email]) if email else {} for role, email in ROLES.items()}
    for role, headers in sessions.items():
        print(f"--- as {role}", flush=True)
        if subprocess.run(command(url, headers, seconds), check=False).returncode != 0:
            failed.append(role)
        if headers and not lives(url, headers):
            print("something has ended the session: name it in LEFT_OUT with its reason")
            failed.append(role)
    if failed:
        print(f"the portal and its document differ for: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
