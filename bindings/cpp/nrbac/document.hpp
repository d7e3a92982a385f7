// SPDX-License-Identifier: Apache-2.0
/// @file
/// Documents: requests are built of them, answers come as them.
#ifndef NRBAC_DOCUMENT_HPP
#define NRBAC_DOCUMENT_HPP

#include <nrbac/result.hpp>

#include <initializer_list>
#include <utility>

namespace nrbac
{

class document;

/// A place in a document that is being built, used as it is named and not kept:
///
///     request["subject"]["type"] = "healthcare-worker";
///     request["subject"]["properties"]["profile"]["activities"] = { "B0820", "B0825" };
///
/// Maps on the way are made as they are needed. Each place is filled once.
class place
{
  public:
    /// A member of the map here, which is made if nothing is here yet.
    place operator[](std::string_view key) const noexcept;

    /// Puts a text here; it is copied.
    void operator=(std::string_view text) const noexcept;
    /// Puts an integer or a boolean here.
    template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
    void operator=(T number) const noexcept;
    /// Puts a number here.
    void operator=(double number) const noexcept;
    /// Puts null here.
    void operator=(std::nullptr_t) const noexcept;
    /// Puts a deep copy of a value of another document here.
    void operator=(value other) const noexcept;
    /// Puts a list of texts here; they are copied.
    template <class Texts, class = decltype(std::begin(std::declval<Texts>())),
              class = std::enable_if_t<!std::is_convertible_v<Texts, std::string_view>>>
    void operator=(const Texts &texts) const noexcept;
    /// Puts a list of texts here; they are copied.
    void operator=(std::initializer_list<std::string_view> texts) const noexcept
    {
        operator=<std::initializer_list<std::string_view>>(texts);
    }
    /// Appends a text to the list here, which is made if nothing is here yet.
    void append(std::string_view text) const noexcept;
    /// Appends a deep copy of a value to the list here, which is made if nothing is.
    void append(value other) const noexcept;

    place(const place &) = delete;
    void operator=(const place &) = delete;

  private:
    friend class document;
    place(document &of, nrbac_value *map, std::string_view key) noexcept
        : of_(of), map_(map), key_(key)
    {
    }
    nrbac_value *there() const noexcept;
    bool is_free() const noexcept;
    nrbac_value *made(nrbac_kind kind) const noexcept;
    nrbac_value *copy(std::string_view text) const noexcept;
    void put(nrbac_value *item) const noexcept;

    document &of_;
    nrbac_value *map_;  // that this is a member of; NULL: none could be made
    std::string_view key_;
};

/// A tree of values that owns all of them. Used by one thread at a time while it is
/// built; afterwards any number may read it.
class document
{
  public:
    /// An empty map, to be built.
    document() noexcept : document(nrbac_document_create())
    {
        if (raw_ != nullptr)
            root_ = building_ = nrbac_new_map(raw());
    }
    /// Takes over a document of the C library, which may be NULL; root() says which of
    /// its values is the whole.
    explicit document(nrbac_document *raw) noexcept : raw_(raw)
    {
    }
    document(document &&other) noexcept
        : raw_(std::move(other.raw_)), root_(std::exchange(other.root_, nullptr)),
          building_(std::exchange(other.building_, nullptr)), mistake_(other.mistake_)
    {
    }
    document &operator=(document &&other) noexcept
    {
        raw_ = std::move(other.raw_);
        root_ = std::exchange(other.root_, nullptr);
        building_ = std::exchange(other.building_, nullptr);
        mistake_ = other.mistake_;
        return *this;
    }

    /// Reads JSON; a member twice in one object, NUL in a text, and nesting beyond 64
    /// are refused. `argument`: what() says where and why.
    static result<document> from_json(std::string_view json)
    {
        document made(nrbac_document_create());
        const nrbac_value *root = nullptr;
        nrbac_error why = {};
        if (made.raw_ == nullptr)
            return detail::out_of_memory();
        const nrbac_status read = nrbac_json_read(made.raw(), json.data(), json.size(),
                                                  &root, &why);
        if (read == NRBAC_E_MEMORY)
            return detail::out_of_memory();
        if (read != NRBAC_OK)
            return error(errc::argument, static_cast<status>(read), why.text);
        made.root_ = root;
        return made;
    }

    /// A member of the map that the document is.
    place operator[](std::string_view key) noexcept
    {
        if (building_ == nullptr)
            mistake_ = "a document that was read is not built on";
        return place(*this, building_, key);
    }

    /// The whole of it.
    value root() const noexcept
    {
        return value(root_);
    }
    /// What prevents its use: a place filled twice, or no memory; empty: nothing.
    std::string_view mistake() const noexcept
    {
        if (raw_ == nullptr || nrbac_document_status(raw_.get()) != NRBAC_OK)
            return text(status::E_MEMORY);
        return mistake_;
    }

    /// What the C library calls it; NULL: no memory.
    nrbac_document *raw() const noexcept
    {
        return raw_.get();
    }
    /// Says which of its values is the whole; nothing more is built then.
    void root(const nrbac_value *root) noexcept
    {
        root_ = root;
        building_ = nullptr;
    }

  private:
    friend class place;
    struct destroy {
        void operator()(nrbac_document *raw) const noexcept
        {
            nrbac_document_destroy(raw);
        }
    };

    std::unique_ptr<nrbac_document, destroy> raw_;
    const nrbac_value *root_ = nullptr;
    nrbac_value *building_ = nullptr;  // the root, of a document that is built
    std::string_view mistake_;
};

inline nrbac_value *place::there() const noexcept
{
    const value here = value(map_)[key_];
    return const_cast<nrbac_value *>(here.raw());  // of a document that is being built
}

inline bool place::is_free() const noexcept
{
    if (map_ != nullptr && there() != nullptr)
        of_.mistake_ = "a document's place is filled once";
    if (key_.find('\0') != key_.npos)
        of_.mistake_ = "a text of a document has no NUL";
    return map_ != nullptr && there() == nullptr;
}

inline void place::put(nrbac_value *item) const noexcept
{
    nrbac_set_of(of_.raw(), map_, key_.data(), key_.size(), item);
}

inline nrbac_value *place::made(nrbac_kind kind) const noexcept
{
    nrbac_value *here = map_ == nullptr ? nullptr : there();
    if (nrbac_value_kind(here) == kind)
        return here;
    if (!is_free())
        return nullptr;
    here = kind == NRBAC_KIND_MAP ? nrbac_new_map(of_.raw())
                                  : nrbac_new_list(of_.raw());
    put(here);
    return here;
}

inline nrbac_value *place::copy(std::string_view text) const noexcept
{
    if (text.find('\0') != text.npos)
        of_.mistake_ = "a text of a document has no NUL";
    return nrbac_new_text_of(of_.raw(), text.data(), text.size());
}

inline place place::operator[](std::string_view key) const noexcept
{
    return place(of_, made(NRBAC_KIND_MAP), key);
}

inline void place::operator=(std::string_view text) const noexcept
{
    if (is_free())
        put(copy(text));
}

template <class T, class> void place::operator=(T number) const noexcept
{
    if (!is_free())
        return;
    if constexpr (std::is_same_v<T, bool>)
        put(nrbac_new_boolean(of_.raw(), number));
    else
        put(nrbac_new_integer(of_.raw(), static_cast<std::int64_t>(number)));
}

inline void place::operator=(double number) const noexcept
{
    if (is_free())
        put(nrbac_new_real(of_.raw(), number));
}

inline void place::operator=(std::nullptr_t) const noexcept
{
    if (is_free())
        put(nrbac_new_null(of_.raw()));
}

inline void place::operator=(value other) const noexcept
{
    if (is_free())
        put(nrbac_value_copy(of_.raw(), other.raw()));
}

template <class Texts, class, class>
void place::operator=(const Texts &texts) const noexcept
{
    if (!is_free())
        return;
    nrbac_value *items = nrbac_new_list(of_.raw());
    put(items);
    for (std::string_view text : texts)
        nrbac_append(of_.raw(), items, copy(text));
}

inline void place::append(std::string_view text) const noexcept
{
    if (nrbac_value *list = made(NRBAC_KIND_LIST); list != nullptr)
        nrbac_append(of_.raw(), list, copy(text));
}

inline void place::append(value other) const noexcept
{
    if (nrbac_value *list = made(NRBAC_KIND_LIST); list != nullptr)
        nrbac_append(of_.raw(), list, nrbac_value_copy(of_.raw(), other.raw()));
}

}  // namespace nrbac

#endif
