#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/net.h"
#include "server/http/http_server.h"
#include "server/service.h"

namespace server {

struct Transcribing {
  Backend* backend = nullptr;
  net::thread_pool* pool = nullptr;  ///< where the recording is decoded
  std::chrono::milliseconds ping{};  ///< as EndpointOptions::ping
  std::function<Parsed<TranscriptionRequest>(const HttpRequest&)> read;
};

/// What /v1/audio/transcriptions takes: a form.
Parsed<TranscriptionRequest> transcription_form(const HttpRequest& http);

/// A recording as text: one piece of the recording after the other, told as they are heard
/// where the client asked for a stream. False: the request was refused. The backend and the pool
/// outlive it.
net::awaitable<bool> transcribe(Transcribing with, HttpRequest http, std::shared_ptr<Responder> to);

}  // namespace server
