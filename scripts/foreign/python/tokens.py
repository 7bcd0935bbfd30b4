"""Verifies the tokens of standard input: a line each of name, key as JWK, token. Prints `name accepted` or `name refused`."""

import json
import sys

import jwt
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import import_key


def pyjwt(key, token, alg):
    return jwt.decode(token, jwt.PyJWK(key, algorithm=alg), algorithms=[alg], audience="a")


def joserfc(key, token, alg):
    return joserfc_jwt.decode(token, import_key(key), algorithms=[alg])


for line in sys.stdin:
    name, key, token, alg = json.loads(line)
    for library in (pyjwt, joserfc):
        try:
            library(key, token, alg)
            print(library.__name__, name, "accepted", flush=True)
        except Exception as error:
            print(library.__name__, name, "refused", type(error).__name__, flush=True)
