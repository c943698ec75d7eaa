#include "core/api_error.hpp"
#include "core/escapes.hpp"
#include "core/secret.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <optional>
#include <string>

namespace regolo::core {

namespace {

constexpr std::string_view mask = "[redacted]";
/// Of the key: a shorter part of it is no secret and may be an ordinary word.
constexpr std::size_t telling_part = 8;
constexpr std::size_t shortest_key = 4;
/// Hexadecimal digits in a row that are a hash of a key rather than an id.
constexpr std::size_t hash_digits = 40;

bool is_word(char c) noexcept
{
    constexpr std::string_view marks = "-_.*+/=~";
    return is_alpha(c) || is_digit(c) || !is_ascii(c) || marks.find(c) != std::string_view::npos;
}

bool is_hex(char c) noexcept { return hex_digit(c).has_value(); }

std::string_view word_at(std::string_view text, std::size_t at) noexcept
{
    std::size_t end = at;
    while (end < text.size() && is_word(text[end]))
    {
        ++end;
    }
    // a full stop or the like belongs to the sentence
    while (end > at && (text[end - 1] == '.' || text[end - 1] == '/'))
    {
        --end;
    }
    return text.substr(at, end - at);
}

/// Whether a word that stands where a key is expected is one, and no ordinary word.
bool is_keyish(std::string_view word) noexcept
{
    const bool marked =
        word.find("..") != std::string_view::npos || word.find('*') != std::string_view::npos;
    const bool number = std::all_of(word.begin(), word.end(), is_digit);
    const bool has_digit = std::any_of(word.begin(), word.end(), is_digit);
    return word.size() >= 4 && (marked || word.size() >= 20 || (has_digit && !number));
}

/** Which two characters follow each other in a key: rules out nearly all of a text that does not repeat it.

    A hash of two characters, so that what is ruled out is so for certain, and what is not, is not.
*/
class key_pairs
{
public:
    explicit key_pairs(std::string_view key) noexcept
        : part_size_(std::min(telling_part, key.size()))
    {
        for (std::size_t i = 1; i < key.size(); ++i)
            is_in_.set(hash(key[i - 1], key[i]));
    }

    /// Of what is looked for.
    [[nodiscard]] std::size_t part_size() const noexcept { return part_size_; }

    /// The first place from `at` on where a part of the key may begin, or npos.
    /// @par Preconditions  the key has two characters
    [[nodiscard]] std::size_t find_in(std::string_view text, std::size_t at) const noexcept
    {
        while (at + part_size_ <= text.size())
        {
            // The last pair first: where the key does not have it, no part of the key goes over it.
            std::size_t pair = at + part_size_ - 1;
            while (pair > at && is_in_[hash(text[pair - 1], text[pair])])
                --pair;
            if (pair == at)
                return at;
            at = pair;
        }
        return std::string_view::npos;
    }

private:
    static constexpr std::size_t hashes = 4096;

    static std::size_t hash(char first, char second) noexcept
    {
        return (static_cast<unsigned char>(first) * std::size_t{61} +
                static_cast<unsigned char>(second)) %
               hashes;
    }

    std::size_t part_size_;
    std::bitset<hashes> is_in_;
};

/// Finds where a text repeats the key, or a part of it.
class key_finder
{
public:
    /// @par Preconditions  `pairs` are those of `key`
    key_finder(std::string_view text, std::string_view key, const key_pairs& pairs) noexcept
        : text_(text), key_(key), pairs_(pairs)
    {}

    /// How much of the text at `at` repeats the key, or 0. To be asked at ascending places.
    std::size_t part_at(std::size_t at) noexcept
    {
        if (key_.size() < shortest_key)
            return 0;
        if (at >= candidate_)
            candidate_ = pairs_.find_in(text_, at);
        return at == candidate_ ? longest_at(at) : 0;
    }

    /// Whether it repeats it anywhere.
    bool finds_any() noexcept
    {
        for (std::size_t at = 0; at < text_.size(); at = std::max(candidate_, at + 1))
        {
            if (part_at(at) > 0)
                return true;
        }
        return false;
    }

private:
    std::size_t longest_at(std::size_t at) const noexcept
    {
        const std::size_t least = pairs_.part_size();
        const std::string_view wanted = text_.substr(at, least);
        std::size_t longest = 0;
        for (std::size_t found = key_.find(wanted); found != std::string_view::npos;
             found = key_.find(wanted, found + 1))
        {
            std::size_t size = least;
            while (found + size < key_.size() && at + size < text_.size() &&
                   key_[found + size] == text_[at + size])
            {
                ++size;
            }
            longest = std::max(longest, size);
        }
        return longest;
    }

    std::string_view text_;
    std::string_view key_;
    const key_pairs& pairs_;
    std::size_t candidate_ = 0;  // of the places from the last one on, the first that may be one
};

/// The same for text with escapes. It keeps nothing of the text, which may be as long as a limit.
class meant_key_finder
{
public:
    meant_key_finder(std::string_view text, std::string_view key) noexcept
        : text_(text), key_(key), least_(std::min(telling_part, key.size()))
    {}

    /// How much of the text at `at` means the key, or a part of it, or 0.
    std::size_t part_at(std::size_t at) const noexcept
    {
        std::array<char, telling_part> wanted{};
        std::size_t end = at;
        for (std::size_t i = 0; i < least_; ++i)
        {
            if (end == text_.size())
                return 0;
            const auto next = meant_at(text_, end);
            if (key_.find(next.value) == std::string_view::npos)
                return 0;
            wanted[i] = next.value;
            end += next.size;
        }
        const std::string_view part(wanted.data(), least_);
        std::size_t longest = 0;
        for (std::size_t found = key_.find(part); found != std::string_view::npos;
             found = key_.find(part, found + 1))
        {
            longest = std::max(longest, end_of(found + least_, end) - at);
        }
        return key_.size() < shortest_key ? 0 : longest;
    }

private:
    /// How far the text at `at` goes on as the key does at `in_key`.
    std::size_t end_of(std::size_t in_key, std::size_t at) const noexcept
    {
        for (; in_key < key_.size() && at < text_.size(); ++in_key)
        {
            const auto next = meant_at(text_, at);
            if (next.value != key_[in_key])
                break;
            at += next.size;
        }
        return at;
    }

    std::string_view text_;
    std::string_view key_;
    std::size_t least_;
};

/// After words such as "API Key = ", how far the key is away; 0 where none of them stands here.
std::size_t introduction(std::string_view text) noexcept
{
    constexpr auto names = std::to_array<std::string_view>(
        {"bearer", "key hash (token)", "api key provided", "api key", "api_key", "key", "token"});
    constexpr std::string_view between = " :='\"";
    for (const std::string_view name : names)
    {
        if (!istarts_with(text, name))
        {
            continue;
        }
        const std::size_t end = std::min(text.find_first_not_of(between, name.size()), text.size());
        const std::string_view separator = text.substr(name.size(), end - name.size());
        // "key 12" is an ordinary sentence, "key=12" is not
        const bool assigned = separator.find_first_of("=:") != std::string_view::npos;
        return assigned || (name == "bearer" && !separator.empty()) ? end : 0;
    }
    return 0;
}

/// The size of what looks like a key at `at`; `skip` is what introduces it and stays.
std::size_t secret_at(std::string_view text, std::size_t at, std::size_t& skip) noexcept
{
    skip = 0;
    if (at > 0 && (is_alpha(text[at - 1]) || is_digit(text[at - 1])))
    {
        return 0;
    }
    const std::string_view rest = text.substr(at);
    if (istarts_with(rest, "sk-") && word_at(text, at).size() > 6)
    {
        return word_at(text, at).size();
    }
    const auto digits =
        static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_hex) - rest.begin());
    if (digits >= hash_digits)
    {
        return digits;
    }
    skip = introduction(rest);
    if (skip > 0)
    {
        const std::string_view word = word_at(text, at + skip);
        return is_keyish(word) ? word.size() : 0;
    }
    return 0;
}

/// Where the text means the key, or a part of it, by escapes.
std::string replace_meant(std::string_view text, std::string_view key)
{
    std::string out;
    const meant_key_finder finder(text, key);
    for (std::size_t at = 0; at < text.size();)
    {
        if (const std::size_t size = finder.part_at(at); size > 0)
        {
            out += mask;
            at += size;
            continue;
        }
        // each of several backslashes means what all of them mean, however many they are
        const std::size_t behind = std::min(text.find_first_not_of('\\', at), text.size());
        const std::size_t passed = std::max<std::size_t>(behind - at, 1);
        out += text.substr(at, passed);
        at += passed;
    }
    return out;
}

std::string replace_escaped(std::string_view text, std::string_view key)
{
    auto out = replace_meant(text, key);
    if (has_escapes(key))
    {
        // What looks like an escape in the key itself reads the same in the text.
        auto meant = secret::with_capacity(key.size());
        for (std::size_t at = 0; at < key.size();)
        {
            const auto next = meant_at(key, at);
            meant.append({&next.value, 1});
            at += next.size;
        }
        out = replace_meant(out, meant.view());
    }
    return out;
}

std::string replace(std::string_view text, std::string_view key, bool looks)
{
    // First, since what stands between two escapes may be found as it is.
    std::string unescaped;
    if (has_escapes(text) && key.size() >= shortest_key)
        text = unescaped = replace_escaped(text, key);
    std::string out;
    out.reserve(text.size());
    const key_pairs pairs(key);
    key_finder finder(text, key, pairs);
    for (std::size_t at = 0; at < text.size();)
    {
        std::size_t skip = 0;
        std::size_t size = finder.part_at(at);
        if (size == 0 && looks)
        {
            size = secret_at(text, at, skip);
        }
        if (size == 0)
        {
            out += text[at++];
            continue;
        }
        out += text.substr(at, skip);
        out += mask;
        at += skip + size;
    }
    return out;
}

}  // namespace

std::string redact(std::string_view text, std::string_view key) { return replace(text, key, true); }

void redact(error_info& info, std::string_view key)
{
    for (std::string* member : {&info.message, &info.server_message, &info.server_type,
                                &info.server_code, &info.server_param})
    {
        *member = replace(*member, key, true);
    }
    // ids are long and random by nature, and an answer is the caller's: only the key itself goes
    for (std::string* member : {&info.request_id, &info.call_id, &info.partial_text})
    {
        *member = replace(*member, key, false);
    }
    redact(info.metadata, key);
}

void redact(metadata& told, std::string_view key)
{
    if (key.size() < shortest_key)
    {
        return;
    }
    // This is done for every response: a text that does not repeat the key is not copied.
    const key_pairs pairs(key);
    const auto clean = [&](std::string& text) {
        if (has_escapes(text) || key_finder(text, key, pairs).finds_any())
            text = replace(text, key, false);
    };
    const auto clean_limit = [&](rate_limit& limit) {
        clean(limit.name);
        if (limit.reset)
        {
            clean(*limit.reset);
        }
    };
    for (std::string* member : {&told.request_id, &told.call_id, &told.model, &told.model_asked,
                                &told.rate_limits.type, &told.rate_limits.reset_at})
    {
        clean(*member);
    }
    for (header& field : told.headers)
    {
        clean(field.name);
        clean(field.value);
    }
    for (rate_limit& limit : told.rate_limits.all)
    {
        clean_limit(limit);
    }
    for (std::optional<rate_limit>* limit : {&told.rate_limits.requests, &told.rate_limits.tokens})
    {
        if (*limit)
        {
            clean_limit(**limit);
        }
    }
}

std::string redact_key(std::string_view text, std::string_view key)
{
    return replace(text, key, false);
}

}  // namespace regolo::core
