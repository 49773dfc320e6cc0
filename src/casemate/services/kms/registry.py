"""The operations of KMS, their input checked against botocore's model, and what is refused with its reason."""

from __future__ import annotations

from casemate.servicekit.constrained import ConstrainedOperations
from casemate.services.kms.errors import out_of_bounds
from casemate.services.kms.state import KmsState

operations = ConstrainedOperations[KmsState](
    "kms", package="casemate.services.kms.operations", refuse=out_of_bounds
)

operations.refuse(
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "DeleteCustomKeyStore",
    "DescribeCustomKeyStores",
    "DisconnectCustomKeyStore",
    "UpdateCustomKeyStore",
    because="there are no custom key stores",
)
operations.refuse(
    "DeleteImportedKeyMaterial",
    "GetParametersForImport",
    "ImportKeyMaterial",
    because="keys have material of Casemate's own only",
)
operations.refuse("ReplicateKey", "UpdatePrimaryRegion", because="keys belong to one Region")
operations.refuse(
    "Decapsulate",
    "DeriveSharedSecret",
    "Encapsulate",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GetPublicKey",
    "Sign",
    "Verify",
    because="keys are symmetric or HMAC keys",
)
operations.refuse("GetKeyLastUsage", because="the use of keys is not counted")
