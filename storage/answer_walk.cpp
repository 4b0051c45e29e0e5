#include "storage/answer_walk.hpp"

namespace sluice {

rocksdb::ReadOptions scan_options() {
  rocksdb::ReadOptions x;
  x.fill_cache = false;
  return x;
}

answer_walk::answer_walk(const answer_tables& tables, std::string_view from)
    : tables_(tables), metas_(tables.db->NewIterator(scan_options(), tables.meta)),
      uses_(tables.db->NewIterator(scan_options(), tables.use)) {
  metas_->Seek(from);
  uses_->Seek(from);
}

bool answer_walk::next() {
  if (begun_)
    metas_->Next();
  begun_ = true;
  if (!metas_->Valid())
    return false;
  key_ = metas_->key().ToString();
  record_bytes_ = metas_->value().size();
  meta_ = {};
  state_ = decode_meta(key_, metas_->value().ToStringView(), meta_);
  if (state_ == record_state::whole)
    read_use();
  return true;
}

/// An entry whose uses cannot be read counts as never used: they decide nothing but who stays.
void answer_walk::read_use() {
  while (uses_->Valid() && uses_->key().compare(key_) < 0)
    uses_->Next();
  meta_.use = {0, meta_.created};
  if (!uses_->Valid() || uses_->key() != rocksdb::Slice{key_})
    return;
  answer_use use;
  sys_seconds expires;
  if (decode_use(key_, uses_->value().ToStringView(), use, expires) == record_state::whole)
    meta_.use = use;
}

caf::error answer_walk::error() const {
  return tables_.checked(metas_->status(), "reading the cache");
}

} // namespace sluice
