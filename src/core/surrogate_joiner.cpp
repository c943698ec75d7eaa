#include "core/surrogate_joiner.hpp"

#include "core/json_text.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <string_view>

namespace regolo::core {

namespace json = boost::json;

namespace {

constexpr std::size_t stand_in_size = 4;

// The surrogate that a stand-in at that position means, or 0.
char32_t stand_in_at(std::string_view text, std::size_t at) noexcept
{
    if (text.size() - at < stand_in_size)
        return 0;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    if (byte(0) != 0xF4 || byte(1) != 0x8F || byte(2) < 0xA0)
        return 0;
    const auto code = char32_t{0x10F000} | (byte(2) & 0x3FU) << 6 | (byte(3) & 0x3FU);
    return code - stand_in_base + 0xD800;
}

std::size_t find_stand_in(std::string_view text, std::size_t from) noexcept
{
    for (auto at = text.find('\xF4', from); at < text.size(); at = text.find('\xF4', at + 1))
        if (stand_in_at(text, at) != 0)
            return at;
    return text.size();
}

bool is_high(char32_t surrogate) noexcept { return surrogate < 0xDC00; }

/// Builds a text of which the last high surrogate may still become a character.
class text_joiner
{
public:
    explicit text_joiner(char32_t high) : high_(high) {}

    void add(std::string_view characters)
    {
        if (characters.empty())
            return;
        give_up();
        text_ += characters;
    }

    void add(char32_t surrogate)
    {
        if (!is_high(surrogate) && high_ != 0)
        {
            append_code_point(text_, 0x10000 + ((high_ - 0xD800) << 10) + (surrogate - 0xDC00));
            high_ = 0;
            return;
        }
        give_up();
        if (is_high(surrogate))
            high_ = surrogate;
        else
            text_ += replacement;
    }

    [[nodiscard]] std::string& text() noexcept { return text_; }
    [[nodiscard]] char32_t high() const noexcept { return high_; }

private:
    void give_up()
    {
        if (high_ != 0)
            text_ += replacement;
        high_ = 0;
    }

    std::string text_;
    char32_t high_;
};

text_joiner join_text(std::string_view text, char32_t high)
{
    text_joiner out(high);
    std::size_t at = 0;
    while (at < text.size())
    {
        const auto next = find_stand_in(text, at);
        out.add(text.substr(at, next - at));
        if (next == text.size())
            break;
        out.add(stand_in_at(text, next));
        at = next + stand_in_size;
    }
    return out;
}

}  // namespace

void surrogate_joiner::join(const place& where, std::string& text, bool has_stand_ins)
{
    if (text.empty())
        return;
    const auto high = take(where);
    if (has_stand_ins)
    {
        auto joined = join_text(text, high);
        text.swap(joined.text());
        if (joined.high() != 0)
            held_.push_back({where, joined.high()});
    }
    else if (high != 0)
    {
        text.insert(0, replacement);
    }
}

std::vector<surrogate_joiner::place> surrogate_joiner::release(std::int64_t choice)
{
    std::vector<place> released;
    for (const auto& waiting : held_)
        if (waiting.where.choice == choice)
            released.push_back(waiting.where);
    std::erase_if(held_, [&](const half& h) { return h.where.choice == choice; });
    return released;
}

char32_t surrogate_joiner::take(const place& where) noexcept
{
    const auto found =
        std::find_if(held_.begin(), held_.end(), [&](const half& h) { return h.where == where; });
    if (found == held_.end())
        return 0;
    const auto high = found->high;
    held_.erase(found);
    return high;
}

void replace_stand_ins(json::value& json)
{
    if (auto* text = json.if_string())
    {
        if (find_stand_in(*text, 0) == text->size())
            return;
        auto joined = join_text(*text, 0);
        if (joined.high() != 0)
            joined.text() += replacement;
        *text = joined.text();
    }
    else if (auto* array = json.if_array())
    {
        for (auto& element : *array)
            replace_stand_ins(element);
    }
    else if (auto* object = json.if_object())
    {
        for (auto& member : *object)
            replace_stand_ins(member.value());
    }
}

}  // namespace regolo::core
