"""Writes fields.json: the names of all request fields of the protocols, from the type definitions of the Python
packages `openai` and `anthropic` (names only; any versions do, those used stand in the file).

    python3 -m venv /tmp/v && /tmp/v/bin/pip install openai anthropic && /tmp/v/bin/python fields.py > fields.json
"""
import json

import anthropic
import openai
from anthropic.types import message_create_params
from openai.types import completion_create_params, embedding_create_params
from openai.types.audio import transcription_create_params
from openai.types.chat import completion_create_params as chat_params
from openai.types.responses import response_create_params


def names(params, streams=True):
    return sorted(params.__required_keys__ | params.__optional_keys__ | ({"stream"} if streams else set()))


print(json.dumps({
    "made with": {"openai": openai.__version__, "anthropic": anthropic.__version__},
    "chat": names(chat_params.CompletionCreateParamsBase),
    "completions": names(completion_create_params.CompletionCreateParamsBase),
    "responses": names(response_create_params.ResponseCreateParamsBase),
    "messages": names(message_create_params.MessageCreateParamsBase),
    "embeddings": names(embedding_create_params.EmbeddingCreateParams, False),
    "transcriptions": names(transcription_create_params.TranscriptionCreateParamsBase),
}, indent=1))
