#pragma once

#include <regolo/export.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace regolo::inline v0 {

class shared_string;

namespace detail {

template <class T>
concept any_text =
    std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t> &&
    !std::same_as<T, shared_string>;

template <class T>
constexpr bool is_nothrow_text = std::is_nothrow_convertible_v<const T&, std::string_view>;

}  // namespace detail

/** A text that copies share, for what each chunk of a stream repeats: its id, the model's name. A copy asks for no memory.

    It converts to `const std::string&` and to `std::string_view`, is compared with any text, and changes by assignment alone.
    For all else there is `str()`. A moved-from one is empty. Copies may be used by several threads at a time; one object may not
    while it changes.

    @code
    if (chunk.model != "Llama-3.3-70B-Instruct")
        std::clog << "answered by " << chunk.model << '\n';
    std::string id = chunk.id;  // a copy, which stays when the chunk is read into again; a reference may not
    @endcode
*/
class REGOLO_EXPORT shared_string
{
public:
    /// An empty text, which asks for no memory.
    shared_string() noexcept = default;
    /// @throws std::bad_alloc
    template <detail::any_text Text>
    explicit shared_string(const Text& text) : text_(make(text))
    {}
    /// The same, taking the text over. @throws std::bad_alloc
    explicit shared_string(std::string&& text);

    /// @throws std::bad_alloc  and the text is as it was
    template <detail::any_text Text>
    shared_string& operator=(const Text& text)
    {
        text_ = make(text);
        return *this;
    }
    /// The same, taking the text over. @throws std::bad_alloc
    shared_string& operator=(std::string&& text) { return *this = shared_string(std::move(text)); }

    /// Never throws. The reference is valid until this object is changed or destroyed.
    [[nodiscard]] const std::string& str() const noexcept { return text_ ? *text_ : none(); }
    [[nodiscard]] operator const std::string&() const noexcept { return str(); }
    [[nodiscard]] operator std::string_view() const noexcept { return str(); }

    [[nodiscard]] const char* c_str() const noexcept { return str().c_str(); }
    [[nodiscard]] const char* data() const noexcept { return str().data(); }
    [[nodiscard]] std::size_t size() const noexcept { return str().size(); }
    [[nodiscard]] bool empty() const noexcept { return str().empty(); }
    void clear() noexcept { text_.reset(); }

    friend bool operator==(const shared_string& a, const shared_string& b) noexcept
    {
        return a.text_ == b.text_ || a.str() == b.str();
    }
    template <detail::any_text Text>
    friend bool operator==(const shared_string& a,
                           const Text& b) noexcept(detail::is_nothrow_text<Text>)
    {
        return std::string_view(a.str()) == std::string_view(b);
    }
    friend std::strong_ordering operator<=>(const shared_string& a, const shared_string& b) noexcept
    {
        return a.str() <=> b.str();
    }
    template <detail::any_text Text>
    friend std::strong_ordering operator<=>(const shared_string& a,
                                            const Text& b) noexcept(detail::is_nothrow_text<Text>)
    {
        return std::string_view(a.str()) <=> std::string_view(b);
    }

    template <detail::any_text Text>
    friend std::string operator+(const shared_string& a, const Text& b)
    {
        return joined(a.str(), b);
    }
    template <detail::any_text Text>
    friend std::string operator+(const Text& a, const shared_string& b)
    {
        return joined(a, b.str());
    }

    REGOLO_EXPORT friend std::ostream& operator<<(std::ostream& out, const shared_string& text);

private:
    using kept = std::shared_ptr<const std::string>;

    [[nodiscard]] static kept make(std::string_view text);
    [[nodiscard]] static const std::string& none() noexcept;
    [[nodiscard]] static std::string joined(std::string_view a, std::string_view b);

    kept text_;  // null: empty
};

}  // namespace regolo::inline v0

template <>
struct std::hash<regolo::shared_string>
{
    [[nodiscard]] std::size_t operator()(const regolo::shared_string& text) const noexcept
    {
        return std::hash<std::string>()(text.str());
    }
};
