#include "core/text.hpp"

#include <regolo/json.hpp>

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

#include <array>

namespace regolo::inline v0 {

namespace {

namespace json = boost::json;

/// Stands in for a category that this process cannot look up by its name, such as Asio's.
class foreign_category_type final : public boost::system::error_category
{
public:
    const char* name() const noexcept override { return "foreign"; }
    std::string message(int value) const override { return "error " + std::to_string(value); }
};

const boost::system::error_category& find_category(std::string_view name) noexcept
{
    static const foreign_category_type foreign;
    if (name == error_category().name())
    {
        return error_category();
    }
    if (name == boost::system::system_category().name())
    {
        return boost::system::system_category();
    }
    if (name == boost::system::generic_category().name())
    {
        return boost::system::generic_category();
    }
    return foreign;
}

constexpr auto all_phases =
    std::to_array({phase::prepare, phase::queue, phase::resolve, phase::connect, phase::tls,
                   phase::proxy, phase::send, phase::head, phase::body});

phase find_phase(std::string_view name) noexcept
{
    for (const phase candidate : all_phases)
    {
        if (to_string(candidate) == name)
        {
            return candidate;
        }
    }
    return phase::prepare;
}

void put(json::object& out, std::string_view name, const std::string& text)
{
    if (!text.empty())
    {
        out[name] = text;
    }
}

/// Value and error have one type here, so it must be said which is meant.
result<error_info> refuse(std::string text)
{
    return {boost::system::in_place_error, core::failure(errc::bad_response, std::move(text))};
}

/// Reads members of an object; remembers the first one of a wrong type.
class reader
{
public:
    explicit reader(const json::object& from) : from_(from) {}

    void text(std::string_view name, std::string& into)
    {
        if (const json::value* found = find(name))
        {
            found->is_string() ? void(into = found->get_string()) : complain(name);
        }
    }

    void number(std::string_view name, std::int64_t& into)
    {
        if (const json::value* found = find(name))
        {
            found->is_int64() ? void(into = found->get_int64()) : complain(name);
        }
    }

    void flag(std::string_view name, std::optional<bool>& into)
    {
        if (const json::value* found = find(name))
        {
            found->is_bool() ? void(into = found->get_bool()) : complain(name);
        }
    }

    bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
    const std::string& wrong() const noexcept { return wrong_; }

private:
    const json::value* find(std::string_view name) const noexcept
    {
        const json::value* found = from_.if_contains(name);
        return found != nullptr && !found->is_null() ? found : nullptr;
    }

    void complain(std::string_view name)
    {
        if (wrong_.empty())
        {
            wrong_ = name;
        }
    }

    const json::object& from_;
    std::string wrong_;
};

}  // namespace

json::value to_json(const error_info& info)
{
    json::object out;
    out["code"] = info.code.value();
    out["category"] = info.code.category().name();
    put(out, "message", info.message);
    out["where"] = to_string(info.where);
    out["sent"] = info.sent;
    if (info.http_status != 0)
    {
        out["http_status"] = info.http_status;
    }
    put(out, "server_message", info.server_message);
    put(out, "server_type", info.server_type);
    put(out, "server_code", info.server_code);
    put(out, "server_param", info.server_param);
    put(out, "call_id", info.call_id);
    put(out, "request_id", info.request_id);
    if (info.retry_after)
    {
        out["retry_after_us"] = info.retry_after->count();
    }
    if (info.should_retry)
    {
        out["should_retry"] = *info.should_retry;
    }
    out["attempts"] = info.attempts;
    put(out, "partial_text", info.partial_text);
    return out;
}

template <>
result<error_info> from_json<error_info>(const json::value& value)
{
    const json::object* object = value.if_object();
    if (object == nullptr)
    {
        return refuse("an error in JSON must be an object");
    }
    reader from(*object);
    error_info out;
    std::int64_t code = 0;
    std::int64_t status = 0;
    std::int64_t attempts = 0;
    std::int64_t retry_after = 0;
    std::string category;
    std::string where;
    std::optional<bool> sent;
    from.number("code", code);
    from.text("category", category);
    from.text("message", out.message);
    from.text("where", where);
    from.flag("sent", sent);
    from.number("http_status", status);
    from.text("server_message", out.server_message);
    from.text("server_type", out.server_type);
    from.text("server_code", out.server_code);
    from.text("server_param", out.server_param);
    from.text("call_id", out.call_id);
    from.text("request_id", out.request_id);
    from.number("retry_after_us", retry_after);
    from.flag("should_retry", out.should_retry);
    from.number("attempts", attempts);
    from.text("partial_text", out.partial_text);
    if (!from.wrong().empty())
    {
        return refuse("error." + from.wrong() + " has the wrong type");
    }
    out.code = {static_cast<int>(code), find_category(category)};
    out.where = find_phase(where);
    out.sent = sent.value_or(false);
    out.http_status = static_cast<int>(status);
    out.attempts = static_cast<int>(attempts);
    if (from.has("retry_after_us"))
    {
        out.retry_after = std::chrono::microseconds(retry_after);
    }
    return {boost::system::in_place_value, std::move(out)};
}

}  // namespace regolo::inline v0
