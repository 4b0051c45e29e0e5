#include "api/gateway/authenticator.hpp"

#include "runtime/ec.hpp"
#include "runtime/hex.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace sluice {

namespace {

struct evp_context {
  evp_context() : method(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context(EVP_MD_CTX_new()) {}
  ~evp_context() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(method);
  }
  evp_context(const evp_context&) = delete;
  evp_context& operator=(const evp_context&) = delete;

  EVP_MD* method;
  EVP_MD_CTX* context;
};

bool sha256(std::string_view text, unsigned char* out) {
  // OpenSSL 3 looks an algorithm up by name at each one-shot call, which costs more than the hash;
  // so it is kept, one a thread.
  thread_local evp_context evp;
  return evp.method && evp.context && EVP_DigestInit_ex2(evp.context, evp.method, nullptr) == 1 &&
         EVP_DigestUpdate(evp.context, text.data(), text.size()) == 1 &&
         EVP_DigestFinal_ex(evp.context, out, nullptr) == 1;
}

bool bearer(std::string_view& text) {
  static constexpr std::string_view scheme = "bearer ";
  if (text.size() < scheme.size())
    return false;
  for (size_t i = 0; i < scheme.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(text[i])) != scheme[i])
      return false;
  text.remove_prefix(scheme.size());
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  return !text.empty();
}

} // namespace

bool virtual_key::allows(const std::string& model) const {
  auto& models = settings.models;
  return models.empty() || std::find(models.begin(), models.end(), model) != models.end();
}

size_t authenticator::digest_hash::operator()(const digest& x) const {
  size_t result;
  std::memcpy(&result, x.data(), sizeof result);
  return result;
}

authenticator::authenticator(const std::vector<key_settings>& keys) : open_(keys.empty()) {
  for (auto& key : keys) {
    digest hash{};
    for (size_t i = 0; i < hash.size() && 2 * i + 1 < key.sha256.size(); ++i)
      hash[i] = static_cast<unsigned char>(16 * hex_digit(key.sha256[2 * i]) +
                                           hex_digit(key.sha256[2 * i + 1]));
    keys_.emplace(hash, std::make_unique<virtual_key>(key));
  }
  if (open_) {
    key_settings everybody;
    everybody.id = "open";
    everybody.tenant = "default";
    everybody.admin = true; // it is open on loopback only
    anybody_ = std::make_unique<virtual_key>(everybody);
  }
}

caf::expected<virtual_key*> authenticator::authenticate(std::string_view authorization,
                                                        std::string_view api_key) const {
  if (open_)
    return anybody_.get();
  auto token = authorization;
  if (authorization.empty()) {
    if (api_key.empty())
      return make_error(
          ec::unauthenticated,
          "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.");
    token = api_key;
  } else if (!bearer(token)) {
    return make_error(ec::unauthenticated, "The Authorization field must be 'Bearer YOUR_KEY'.");
  }
  digest hash;
  if (!sha256(token, hash.data()))
    return make_error(ec::internal);
  auto found = keys_.find(hash);
  if (found == keys_.end())
    return make_error(ec::unauthenticated, "Incorrect API key provided.");
  return found->second.get();
}

virtual_key* authenticator::find(std::string_view id) const {
  if (open_)
    return anybody_->settings.id == id ? anybody_.get() : nullptr;
  for (auto& [hash, key] : keys_)
    if (key->settings.id == id)
      return key.get();
  return nullptr;
}

} // namespace sluice
