#include "api/upstream/openai_upstream.hpp"

#include <openssl/ssl.h>

namespace sluice {

namespace asio = boost::asio;

namespace {

caf::expected<std::shared_ptr<asio::ssl::context>> make_tls(const provider_settings& settings) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  boost::system::error_code error;
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(asio::ssl::verify_peer, error);
  if (!error && settings.ca_file.empty())
    context->set_default_verify_paths(error);
  else if (!error)
    context->load_verify_file(settings.ca_file, error);
  if (error)
    return make_error(ec::io_failed,
                      "provider '" + settings.name + "': cannot read the authorities" +
                          (settings.ca_file.empty() ? "" : " in " + settings.ca_file) + ": " +
                          error.message());
  static constexpr unsigned char http_1_1[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context->native_handle(), http_1_1, sizeof http_1_1 - 1);
  return context;
}

std::string head_fields(const provider_settings& settings, const base_url& url,
                        std::string_view content_type) {
  auto host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  auto usual = url.port == (url.tls ? 443 : 80);
  std::string fields = "Host: " + host + (usual ? "" : ":" + std::to_string(url.port)) + "\r\n";
  if (!settings.api_key.empty())
    fields.append("Authorization: Bearer ").append(settings.api_key.reveal()).append("\r\n");
  for (auto& [name, value] : settings.headers)
    fields.append(name).append(": ").append(value).append("\r\n");
  fields.append("Content-Type: ").append(content_type).append("\r\nUser-Agent: sluice\r\n");
  return fields;
}

} // namespace

caf::expected<std::shared_ptr<const provider_target>>
make_provider_target(const provider_settings& settings, const limit_settings& limits) {
  auto target = std::make_shared<provider_target>();
  auto url = parse_base_url(settings.base_url);
  if (!url)
    return url.error();
  target->settings = settings;
  target->url = std::move(*url);
  target->head_fields = head_fields(settings, target->url, "application/json");
  target->form_fields = head_fields(settings, target->url,
                                    "multipart/form-data; boundary=" + std::string{form_boundary});
  target->stream_window = limits.stream_buffer_bytes_max;
  target->reply_bytes_max = limits.reply_bytes_max;
  if (target->url.tls) {
    auto tls = make_tls(settings);
    if (!tls)
      return tls.error();
    target->tls = std::move(*tls);
  }
  return std::shared_ptr<const provider_target>{std::move(target)};
}

} // namespace sluice
