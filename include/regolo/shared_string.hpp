#pragma once

#include <regolo/export.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace regolo::inline v0 {

/** A text that copies share, for what each chunk of a stream repeats: its id, the model's name. A copy asks for no memory.

    It reads as a `const std::string`, to which it converts, and changes by assignment alone. A moved-from one is empty. Copies
    may be used by several threads at a time; one object may not while it changes.

    @code
    const std::string& model = chunk.model;  // valid as long as the chunk keeps it
    if (chunk.id == "chatcmpl-1") { ... }
    @endcode
*/
class REGOLO_EXPORT shared_string
{
public:
    /// An empty text, which asks for no memory.
    shared_string() noexcept = default;
    /// @throws std::bad_alloc
    template <std::convertible_to<std::string_view> Text>
    shared_string(const Text& text) : shared_string(make(text))
    {}
    /// The same, taking the text over. @throws std::bad_alloc
    shared_string(std::string&& text);

    /// Never throws. The reference is valid until this object is changed or destroyed.
    [[nodiscard]] const std::string& str() const noexcept { return text_ ? *text_ : none(); }
    [[nodiscard]] operator const std::string&() const noexcept { return str(); }
    [[nodiscard]] operator std::string_view() const noexcept { return str(); }

    [[nodiscard]] bool empty() const noexcept { return str().empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return str().size(); }
    void clear() noexcept { text_.reset(); }

    friend bool operator==(const shared_string& a, const shared_string& b) noexcept
    {
        return a.text_ == b.text_ || a.str() == b.str();
    }
    template <std::convertible_to<std::string_view> Text>
    friend bool operator==(const shared_string& a, const Text& b) noexcept
    {
        return std::string_view(a) == std::string_view(b);
    }
    friend std::strong_ordering operator<=>(const shared_string& a, const shared_string& b) noexcept
    {
        return a.str() <=> b.str();
    }
    REGOLO_EXPORT friend std::ostream& operator<<(std::ostream& out, const shared_string& text);

private:
    using kept = std::shared_ptr<const std::string>;

    explicit shared_string(kept text) noexcept : text_(std::move(text)) {}
    [[nodiscard]] static kept make(std::string_view text);
    [[nodiscard]] static const std::string& none() noexcept;

    kept text_;  // null: empty
};

}  // namespace regolo::inline v0
