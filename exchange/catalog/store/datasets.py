"""What flows read and write of datasets, uploads and revisions. All rows are seen; the flow decides whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update

from exchange.catalog import paths
from exchange.catalog.datasets import Dataset, PersonalData
from exchange.catalog.revisions import Previous, Revision, Sealed, StoredAsset
from exchange.catalog.store.rows import (
    DATASET,
    REVISION,
    UPLOAD,
    asset_of,
    dataset_of,
    revision_of,
    upload_of,
)
from exchange.catalog.tables import asset, dataset, revision, upload
from exchange.catalog.uploads import Upload, UploadState
from exchange.kernel.db import Tx

_INSERT_ASSETS = """
INSERT INTO catalog.asset (id, revision_id, supplier_id, position, path, sha256, size_bytes, media_type, node_id)
SELECT a.id, $1, $2, a.position - 1, a.path, a.sha256, a.size_bytes, a.media_type, a.node_id
FROM unnest($3::uuid[], $4::text[], $5::bytea[], $6::bigint[], $7::text[], $8::text[])
     WITH ORDINALITY AS a(id, path, sha256, size_bytes, media_type, node_id, position)"""
_LIVE = (UploadState.OPEN.value, UploadState.COMPLETE.value)


async def insert_dataset(tx: Tx, new: Dataset) -> None:
    """Write a new dataset."""
    await tx.conn.execute(
        insert(dataset).values(
            id=new.id,
            supplier_id=new.supplier_id,
            title=dict(new.title),
            description=dict(new.description),
            modality=new.modality.value,
            languages=list(new.languages),
            personal_data=new.personal_data.value,
            licence=new.licence,
            provenance=dict(new.provenance),
            synthetic_share=new.synthetic_share,
            legal_basis=new.legal_basis,
            cross_border_basis=new.cross_border_basis,
            state=new.state.value,
            created_at=new.created_at,
            derived_from=[one.document() for one in new.derived_from] or None,
        )
    )


async def find_dataset(tx: Tx, dataset_id: UUID) -> Dataset | None:
    """Read a dataset, whoever's it is."""
    row = (await tx.conn.execute(select(*DATASET).where(dataset.c.id == dataset_id))).mappings().one_or_none()
    return dataset_of(row) if row else None


async def datasets_of(tx: Tx, dataset_ids: Sequence[UUID]) -> dict[UUID, Dataset]:
    """Those of the datasets that exist, whoever's they are."""
    rows = (await tx.conn.execute(select(*DATASET).where(dataset.c.id.in_(dataset_ids)))).mappings()
    return {one.id: one for one in map(dataset_of, rows)}


async def all_after(tx: Tx, after: UUID | None, limit: int) -> list[Dataset]:
    """Datasets of any state by id, from `after` on, whoever's they are."""
    statement = select(*DATASET).order_by(dataset.c.id).limit(limit)
    if after is not None:
        statement = statement.where(dataset.c.id > after)
    return [dataset_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def about_people(tx: Tx, after: UUID | None, limit: int) -> list[Dataset]:
    """Datasets with people in them, by id from `after` on, whoever's they are."""
    statement = select(*DATASET).where(dataset.c.personal_data != PersonalData.NONE.value)
    if after is not None:
        statement = statement.where(dataset.c.id > after)
    return [
        dataset_of(row) for row in (await tx.conn.execute(statement.order_by(dataset.c.id).limit(limit))).mappings()
    ]


async def lock_dataset(tx: Tx, dataset_id: UUID) -> Dataset | None:
    """Read a dataset and hold it: uploads and revisions of one dataset are numbered one after another."""
    statement = select(*DATASET).where(dataset.c.id == dataset_id).with_for_update(key_share=True)
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return dataset_of(row) if row else None


async def insert_upload(tx: Tx, new: Upload) -> None:
    """Write a new upload."""
    await tx.conn.execute(
        insert(upload).values(
            id=new.id,
            dataset_id=new.dataset_id,
            supplier_id=new.supplier_id,
            path=new.path,
            path_key=paths.fold(new.path),
            media_type=new.media_type,
            size_bytes=new.size_bytes,
            declared_sha256=new.declared_sha256,
            state=new.state.value,
            node_id=new.node_id,
            created_at=new.created_at,
            expires_at=new.expires_at,
        )
    )


async def expire_uploads(tx: Tx, dataset_id: UUID) -> None:
    """Give up the uploads of a dataset whose time is over, so that their paths are free again."""
    await tx.conn.execute(
        update(upload)
        .where(upload.c.dataset_id == dataset_id, upload.c.state.in_(_LIVE), upload.c.expires_at <= tx.now)
        .values(state=UploadState.ABANDONED.value)
    )


async def expire_overdue(tx: Tx, limit: int) -> list[UUID]:
    """Give up overdue uploads of anybody, and name them; those that are just in use wait for the next time."""
    overdue = (
        select(upload.c.id)
        .where(upload.c.state.in_(_LIVE), upload.c.expires_at <= tx.now)
        .order_by(upload.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    given_up = update(upload).where(upload.c.id.in_(overdue)).values(state=UploadState.ABANDONED.value)
    return list((await tx.conn.execute(given_up.returning(upload.c.id))).scalars())


async def live_paths(tx: Tx, dataset_id: UUID) -> list[str]:
    """List the paths of the uploads that wait to be finished or sealed."""
    statement = select(upload.c.path).where(upload.c.dataset_id == dataset_id, upload.c.state.in_(_LIVE))
    return list((await tx.conn.execute(statement)).scalars())


async def lock_upload(tx: Tx, upload_id: UUID) -> Upload | None:
    """Read an upload and hold it, whoever's it is."""
    statement = select(*UPLOAD).where(upload.c.id == upload_id).with_for_update(key_share=True)
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return upload_of(row) if row else None


async def lock_uploads(tx: Tx, upload_ids: Sequence[UUID]) -> list[Upload]:
    """Read uploads in id order and hold them, whoever's they are."""
    statement = select(*UPLOAD).where(upload.c.id.in_(upload_ids)).order_by(upload.c.id).with_for_update(key_share=True)
    return [upload_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def set_upload(tx: Tx, changed: Upload) -> None:
    """Write the new state and hash of an upload."""
    await tx.conn.execute(
        update(upload).where(upload.c.id == changed.id).values(state=changed.state.value, sha256=changed.sha256)
    )


async def insert_revision(tx: Tx, sealed: Sealed, upload_ids: Sequence[UUID]) -> None:
    """Write a revision and its files, and mark the uploads as part of it."""
    new = sealed.revision
    await tx.conn.execute(
        insert(revision).values(
            id=new.id,
            dataset_id=new.dataset_id,
            supplier_id=new.supplier_id,
            number=new.number,
            manifest=new.manifest,
            sha256=new.sha256,
            size_bytes=new.size_bytes,
            assets_count=new.assets_count,
            created_at=new.created_at,
        )
    )
    driver = await tx.driver()
    await driver.execute(
        _INSERT_ASSETS,
        new.id,
        new.supplier_id,
        [tx.new_id() for _ in sealed.assets],
        [one.path for one in sealed.assets],
        [one.sha256 for one in sealed.assets],
        [one.size_bytes for one in sealed.assets],
        [one.media_type for one in sealed.assets],
        [one.node_id for one in sealed.assets],
    )
    await tx.conn.execute(
        update(upload).where(upload.c.id.in_(upload_ids)).values(state=UploadState.SEALED.value, revision_id=new.id)
    )


async def find_revision(tx: Tx, revision_id: UUID) -> Revision | None:
    """Read a revision, whoever's it is."""
    row = (await tx.conn.execute(select(*REVISION).where(revision.c.id == revision_id))).mappings().one_or_none()
    return revision_of(row) if row else None


async def made_before(tx: Tx, one: Revision) -> datetime | None:
    """When the revision before this one was sealed, or None for the first."""
    statement = select(revision.c.created_at).where(
        revision.c.dataset_id == one.dataset_id, revision.c.number == one.number - 1
    )
    found: datetime | None = (await tx.conn.execute(statement)).scalar_one_or_none()
    return found


async def latest_revision(tx: Tx, dataset_id: UUID) -> Previous | None:
    """Read the newest revision of a dataset with its files, or None before the first."""
    newest = select(func.max(revision.c.number)).where(revision.c.dataset_id == dataset_id).scalar_subquery()
    statement = select(*REVISION).where(revision.c.dataset_id == dataset_id, revision.c.number == newest)
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    if row is None:
        return None
    found = revision_of(row)
    return Previous(found, [stored.asset for stored in await assets_of(tx, found.id)])


async def assets_of(tx: Tx, revision_id: UUID) -> list[StoredAsset]:
    """List the files of a revision in manifest order; also for a buyer whose grant was checked."""
    statement = select(asset).where(asset.c.revision_id == revision_id).order_by(asset.c.position)
    return [asset_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def find_asset(tx: Tx, asset_id: UUID) -> StoredAsset | None:
    """Read one file of a revision, whoever's it is."""
    row = (await tx.conn.execute(select(asset).where(asset.c.id == asset_id))).mappings().one_or_none()
    return asset_of(row) if row else None
