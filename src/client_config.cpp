#include "core/text.hpp"

#include <regolo/client_config.hpp>

#include <cstdlib>
#include <string_view>

namespace regolo::inline v0 {
namespace {

/// The first of these variables that is not blank; empty if there is none.
std::string_view read(const char* name, const char* otherwise = nullptr) noexcept
{
    for (const char* variable : {name, otherwise})
    {
        const char* const value = variable ? std::getenv(variable) : nullptr;
        if (value && !core::trim(value).empty())
        {
            return core::trim(value);
        }
    }
    return {};
}

std::string_view without_slashes(std::string_view url) noexcept
{
    while (url.ends_with('/'))
        url.remove_suffix(1);
    return url;
}

proxy_options read_proxies()
{
    const auto for_all = read("all_proxy", "ALL_PROXY");
    const bool is_cgi = !read("REQUEST_METHOD").empty();
    const auto choose = [for_all](std::string_view own) {
        return std::string(own.empty() ? for_all : own);
    };
    proxy_options proxies;
    proxies.http = choose(read("http_proxy", is_cgi ? nullptr : "HTTP_PROXY"));
    proxies.https = choose(read("https_proxy", "HTTPS_PROXY"));
    proxies.bypass = read("no_proxy", "NO_PROXY");
    return proxies;
}

client_config read_all(const char* other_key, const char* other_url, const char* other_model)
{
    client_config config;
    if (const std::string_view key = read("REGOLO_API_KEY", other_key); !key.empty())
    {
        config.key = credential(key);
    }
    if (const std::string_view url = read("REGOLO_BASE_URL", other_url); !url.empty())
    {
        config.base_url = url;
    }
    config.model = read("REGOLO_MODEL", other_model);
    config.proxy = read_proxies();
    config.allow_plaintext = read("REGOLO_ALLOW_PLAINTEXT") == "1";
    return config;
}

}  // namespace

client_config client_config::from_environment() { return read_all(nullptr, nullptr, nullptr); }

client_config client_config::from_python_environment()
{
    auto config = read_all("API_KEY", "REGOLO_URL", "LLM");
    config.models.embedding = read("EMBEDDER_MODEL");
    config.models.image = read("IMAGE_GENERATION_MODEL");
    config.models.transcription = read("AUDIO_TRANSCRIPTION_MODEL");
    // Python joins URL and path as they are; here a "/v1" at the end of the URL is none of it, and goes into the path.
    const bool has_version = without_slashes(config.base_url).ends_with("/v1");
    const auto read_path = [has_version](const char* name, std::string& path) {
        const auto value = read(name);
        if (!value.empty())
            path = (has_version && !value.starts_with("/v1/") ? "/v1" : "") + std::string(value);
    };
    read_path("CHAT_COMPLETIONS_URL_PATH", config.paths.chat);
    read_path("COMPLETIONS_URL_PATH", config.paths.completions);
    read_path("EMBEDDINGS_URL_PATH", config.paths.embeddings);
    read_path("IMAGE_GENERATION_URL_PATH", config.paths.images);
    read_path("AUDIO_TRANSCRIPTION_URL_PATH", config.paths.transcriptions);
    read_path("RERANK_URL_PATH", config.paths.rerank);
    return config;
}

}  // namespace regolo::inline v0
