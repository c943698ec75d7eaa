#include "core/metadata_codec.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace regolo::core {
namespace {

/// The value of a field, if it says anything: gateways send "None" for an absent one.
std::optional<std::string_view> meaningful(std::string_view value) noexcept
{
    value = trim(value);
    return value.empty() || iequals(value, "none") ? std::nullopt : std::optional(value);
}

std::optional<std::string_view> find_meaningful(const std::vector<header>& headers,
                                                std::string_view name) noexcept
{
    const auto value = find_header(headers, name);
    return value ? meaningful(*value) : std::nullopt;
}

/// A field of the gateway, under one name or the other.
std::optional<std::string_view> find_gateway(const std::vector<header>& headers,
                                             std::string_view name, std::string_view other) noexcept
{
    const auto value = find_meaningful(headers, name);
    return value ? value : find_meaningful(headers, other);
}

std::optional<double> to_double(std::optional<std::string_view> text) noexcept
{
    double value = 0;
    if (!text)
    {
        return std::nullopt;
    }
    const auto read = std::from_chars(text->data(), text->data() + text->size(), value);
    const bool whole = read.ec == std::errc{} && read.ptr == text->data() + text->size();
    return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// A whole number; gateways written in Python also send "100.0".
template <class Integer>
std::optional<Integer> to_integer(std::optional<std::string_view> text) noexcept
{
    if (!text)
    {
        return std::nullopt;
    }
    Integer whole = 0;
    const auto read = std::from_chars(text->data(), text->data() + text->size(), whole);
    if (read.ec == std::errc{} && read.ptr == text->data() + text->size())
    {
        return whole;
    }
    const std::optional<double> value = to_double(text);
    // exact as doubles, unlike the maximum itself
    constexpr auto low = static_cast<double>(std::numeric_limits<Integer>::min());
    if (!value || *value != std::trunc(*value) || *value < low || *value >= -low)
    {
        return std::nullopt;
    }
    return static_cast<Integer>(*value);
}

enum class figure
{
    limit,
    remaining,
    reset
};

/// What the name of a field says: a figure of which limit.
struct limit_name
{
    std::string name;
    figure kind = figure::limit;
};

constexpr std::array<std::pair<std::string_view, figure>, 3> figures{
    {{"limit", figure::limit}, {"remaining", figure::remaining}, {"reset", figure::reset}}};

/** Splits "<middle>-remaining-<unit>", or the same without its middle, into the figure and "<middle>-<unit>". */
std::optional<limit_name> split_name(std::string_view text)
{
    for (std::size_t begin = 0; begin < text.size();)
    {
        const std::size_t end = std::min(text.find('-', begin), text.size());
        const std::string_view word = text.substr(begin, end - begin);
        for (const auto& [name, kind] : figures)
        {
            if (word == name && end + 1 < text.size())
            {
                // the middle keeps its hyphen
                return limit_name{std::string(text.substr(0, begin)) += text.substr(end + 1), kind};
            }
        }
        begin = end + 1;
    }
    return std::nullopt;
}

std::optional<limit_name> parse_name(std::string_view field)
{
    constexpr std::string_view upstream = "llm_provider-";
    constexpr std::string_view plain = "x-ratelimit-";
    constexpr std::array<std::string_view, 4> starts{upstream, plain, "x-litellm-key-",
                                                     "x-regolo-key-"};
    // most fields are others
    if (std::none_of(starts.begin(), starts.end(),
                     [field](std::string_view start) { return istarts_with(field, start); }))
    {
        return std::nullopt;
    }
    std::string name = to_lower(field);
    std::string_view rest = name;
    const bool from_upstream = rest.starts_with(upstream);
    if (from_upstream)
    {
        rest.remove_prefix(upstream.size());
    }
    std::optional<limit_name> found;
    if (rest.starts_with(plain))
    {
        found = split_name(rest.substr(plain.size()));
    }
    else if (rest.starts_with(starts[2]) || rest.starts_with(starts[3]))
    {
        rest.remove_prefix(rest.find("key-"));
        if (rest == "key-rpm-limit" || rest == "key-tpm-limit")
        {
            found = limit_name{rest == "key-rpm-limit" ? "key-requests" : "key-tokens"};
        }
        else if (rest.starts_with("key-remaining-") || rest.starts_with("key-limit-"))
        {
            found = split_name(rest);
        }
    }
    if (found && from_upstream)
    {
        found->name.insert(0, upstream);
    }
    return found;
}

rate_limit& entry(std::vector<rate_limit>& all, std::string name)
{
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&name](const rate_limit& one) { return one.name == name; });
    if (found != all.end())
    {
        return *found;
    }
    rate_limit added;
    added.name = std::move(name);
    return all.emplace_back(std::move(added));
}

void read_limit(const header& field, std::vector<rate_limit>& all)
{
    std::optional<limit_name> what = parse_name(field.name);
    const std::optional<std::string_view> value = meaningful(field.value);
    if (!what || !value)
    {
        return;
    }
    if (what->kind == figure::reset)
    {
        entry(all, std::move(what->name)).reset = *value;
    }
    else if (const auto number = to_integer<std::int64_t>(value))
    {
        rate_limit& one = entry(all, std::move(what->name));
        (what->kind == figure::limit ? one.limit : one.remaining) = number;
    }
}

rate_limits read_limits(const std::vector<header>& headers)
{
    rate_limits out;
    for (const header& field : headers)
    {
        read_limit(field, out.all);
    }
    for (const rate_limit& one : out.all)
    {
        if (one.name == "requests")
        {
            out.requests = one;
        }
        else if (one.name == "tokens")
        {
            out.tokens = one;
        }
    }
    out.type = find_meaningful(headers, "rate_limit_type").value_or("");
    out.reset_at = find_meaningful(headers, "reset_at").value_or("");
    return out;
}

std::string_view read_request_id(const std::vector<header>& headers) noexcept
{
    for (const std::string_view name :
         {"x-request-id", "x-litellm-call-id", "x-regolo-call-id", "request-id"})
    {
        if (const auto id = find_meaningful(headers, name))
        {
            return *id;
        }
    }
    return {};
}

}  // namespace

void read_head(response_head head, metadata& out)
{
    out.status = head.status;
    out.headers = std::move(head.headers);
    out.request_id = read_request_id(out.headers);
    out.rate_limits = read_limits(out.headers);
    out.cost =
        to_double(find_gateway(out.headers, "x-litellm-response-cost", "x-regolo-response-cost"));
    out.gateway_retries = to_integer<int>(
        find_gateway(out.headers, "x-litellm-attempted-retries", "x-regolo-attempted-retries"));
    out.gateway_fallbacks = to_integer<int>(
        find_gateway(out.headers, "x-litellm-attempted-fallbacks", "x-regolo-attempted-fallbacks"));
}

}  // namespace regolo::core
