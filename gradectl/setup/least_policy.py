"""The least IAM policies for a person or pipeline that deploys an environment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: A managed policy may have this many characters, without spaces.
MAX_CHARACTERS = 6144
#: Actions on objects of the state and of the files that `smoke` writes, and on those of a
#: disposable bucket, which `destroy` deletes.
_OBJECTS = "s3:DeleteObject s3:GetObject s3:PutObject"
_READS = (
    "application-autoscaling:Describe* application-autoscaling:ListTagsForResource"
    " cloudwatch:Describe* cloudwatch:GetMetricData cloudwatch:ListTagsForResource"
    " ec2:Describe* ec2:GetManagedPrefixListEntries ecr:GetAuthorizationToken"
    " ecs:Describe* ecs:List* events:Describe* events:List* kms:DescribeKey logs:Describe*"
    " logs:ListTagsForResource"
    " mq:Describe* mq:List* rds:Describe* rds:ListTagsForResource servicequotas:GetServiceQuota"
    " servicequotas:ListServiceQuotas ssm:DescribeParameters sts:GetCallerIdentity"
)
#: What a plan of load balancer and Redis reads, none of which has a resource level.
_API_READS = (
    "elasticache:Describe* elasticache:ListTagsForResource elasticloadbalancing:Describe*"
    " ec2:GetSecurityGroupsForVpc"
)
#: EC2 and autoscaling name most of their resources by generated IDs, so the region is the limit.
_NETWORK = (
    "ec2:AllocateAddress ec2:AssociateRouteTable ec2:AttachInternetGateway"
    " ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress"
    " ec2:CreateInternetGateway ec2:CreateNatGateway ec2:CreateNetworkInterface"
    " ec2:CreateNetworkInterfacePermission ec2:CreateRoute ec2:CreateRouteTable"
    " ec2:CreateSecurityGroup ec2:CreateSubnet ec2:CreateTags ec2:CreateVpc ec2:CreateVpcEndpoint"
    " ec2:DeleteInternetGateway ec2:DeleteNatGateway ec2:DeleteNetworkInterface"
    " ec2:DeleteNetworkInterfacePermission ec2:DeleteRoute ec2:DeleteRouteTable"
    " ec2:DeleteSecurityGroup ec2:DeleteSubnet ec2:DeleteTags ec2:DeleteVpc"
    " ec2:DeleteVpcEndpoints ec2:DetachInternetGateway ec2:DetachNetworkInterface"
    " ec2:DisassociateAddress ec2:DisassociateRouteTable ec2:ModifySecurityGroupRules"
    " ec2:ModifySubnetAttribute ec2:ModifyVpcAttribute ec2:ModifyVpcEndpoint ec2:ReleaseAddress"
    " ec2:ReplaceRoute ec2:RevokeSecurityGroupEgress ec2:RevokeSecurityGroupIngress"
    " ec2:UpdateSecurityGroupRuleDescriptionsEgress"
    " ec2:UpdateSecurityGroupRuleDescriptionsIngress"
)
_UNNAMED = (
    "application-autoscaling:DeleteScalingPolicy application-autoscaling:DeleteScheduledAction"
    " application-autoscaling:DeregisterScalableTarget application-autoscaling:PutScalingPolicy"
    " application-autoscaling:PutScheduledAction application-autoscaling:RegisterScalableTarget"
    " application-autoscaling:TagResource application-autoscaling:UntagResource"
    " ecs:DeregisterTaskDefinition ecs:RegisterTaskDefinition logs:DeleteResourcePolicy"
    " logs:PutResourcePolicy mq:CreateBroker mq:CreateConfiguration mq:CreateTags mq:DeleteTags"
)
#: Records of the hosted zone, and the state of a change, whose ID only AWS knows.
_DNS = "route53:ChangeResourceRecordSets route53:GetHostedZone route53:ListResourceRecordSets"
_CHANGES = "arn:aws:route53:::change/*"
#: Services that get a role of the environment.
_PASSED_TO = ("ecs-tasks.amazonaws.com", "monitoring.rds.amazonaws.com")
#: Services whose service-linked role AWS creates with the first resource.
_LINKED = (
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticache.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "mq.amazonaws.com",
    "rds.amazonaws.com",
)


_USE_WEB_ACL = "wafv2:AssociateWebACL wafv2:DisassociateWebACL wafv2:GetWebACL"


@dataclass(frozen=True)
class PolicyScope:
    """
    The resources that the policies are limited to.

    Attributes:
        name: Name of the environment.
        account_id: Its account.
        region: Its region.
        state_bucket: Bucket of the Terraform state.
        files_bucket: Bucket of submissions and results.
        repository: Repository of the workers' images.
        api: Whether it has the HTTP API.
        redis: Whether it has a Redis of its own.
        zone_id: Hosted zone of the API's domain name; "" for none.
        web_acl_arn: A web ACL that is not of the environment, for its API; "" for none.
    """

    name: str
    account_id: str
    region: str
    state_bucket: str
    files_bucket: str
    repository: str
    api: bool = False
    redis: bool = False
    zone_id: str = ""
    web_acl_arn: str = ""

    @property
    def prefix(self) -> str:
        """Prefix of the names of resources."""
        return f"{self.name}-grading"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in the region."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource without a region."""
        return f"arn:aws:{service}::{self.account_id}:{resource}"


def apply_policies(scope: PolicyScope) -> dict[str, dict[str, Any]]:
    """
    Write the policies of a person who plans, applies, deploys and destroys an environment.

    All are needed; together they would exceed the size of a managed policy. They cover the
    default root: workers on Fargate, without a web tier on instances, an own key or service
    discovery; API and Redis where the scope has them. Bootstrapping is not part of them.

    Args:
        scope: The resources of the environment.

    Returns:
        The policies by name: reads, network, roles and workers; what holds data; and, where the
        scope has one of them, API and Redis.
    """
    api = [*_api(scope), *_redis(scope)]
    return {
        "network-and-workers": _document([*_network_and_roles(scope), *_workers(scope)]),
        "data": _document([*_files(scope), *_services(scope)]),
        **({"api": _document([_allow("ReadApi", _API_READS, ["*"]), *api])} if api else {}),
    }


def plan_policy(scope: PolicyScope) -> dict[str, Any]:
    """
    Write the policy of a pipeline that plans pull requests.

    It reads the account, and changes nothing but the lock of the state. It reads the passwords of
    the environment, because a plan needs them.

    Args:
        scope: The resources of the environment.
    """
    reads = ("Describe", "Get", "List", "Head")
    found = [
        {**one, "Action": [each for each in one["Action"] if each.split(":")[1].startswith(reads)]}
        for policy in apply_policies(scope).values()
        for one in policy["Statement"]
        if one["Sid"] not in {"Read", "Files"}
    ]
    lock = [f"arn:aws:s3:::{scope.state_bucket}/*.tflock"]
    return _document(
        [
            _allow("Read", _READS, ["*"]),
            *(one for one in found if one["Action"]),
            _allow("StateLock", "s3:DeleteObject s3:PutObject", lock),
        ]
    )


def size(policy: dict[str, Any]) -> int:
    """Number of characters that AWS counts."""
    return len(json.dumps(policy, separators=(",", ":")))


def _network_and_roles(scope: PolicyScope) -> list[dict[str, Any]]:
    """Reads, the network, and the roles of the environment."""
    here = {"StringEquals": {"aws:RequestedRegion": scope.region}}
    role = scope.global_arn("iam", f"role/{scope.prefix}-*")
    passed = {"StringEquals": {"iam:PassedToService": list(_PASSED_TO)}}
    linked = {"StringEquals": {"iam:AWSServiceName": list(_LINKED)}}
    return [
        _allow("Read", _READS, ["*"]),
        _allow("NetworkOfTheRegion", _NETWORK, ["*"], here),
        _allow("WithoutNames", _UNNAMED, ["*"], here),
        _allow(
            "Roles",
            "iam:CreateRole iam:DeleteRole iam:DeleteRolePolicy iam:GetRole iam:GetRolePolicy"
            " iam:ListAttachedRolePolicies iam:ListInstanceProfilesForRole iam:ListRolePolicies"
            " iam:PutRolePolicy iam:SimulatePrincipalPolicy iam:TagRole iam:UntagRole"
            " iam:UpdateAssumeRolePolicy iam:UpdateRole",
            [role],
        ),
        _allow(
            "ReadServiceRoles",
            "iam:GetRole",
            [scope.global_arn("iam", "role/aws-service-role/*")],
        ),
        _allow("GiveRolesToServices", "iam:PassRole", [role], passed),
        _allow("ServiceRoles", "iam:CreateServiceLinkedRole", ["*"], linked),
    ]


def _workers(scope: PolicyScope) -> list[dict[str, Any]]:
    """Workers with their alarms, events and logs."""
    return [
        _allow(
            "Workers",
            "ecs:CreateCluster ecs:CreateService ecs:DeleteCluster ecs:DeleteService"
            " ecs:PutClusterCapacityProviders ecs:RunTask ecs:StopTask ecs:TagResource"
            " ecs:UntagResource ecs:UpdateCluster ecs:UpdateService",
            [
                scope.arn("ecs", f"{kind}/{scope.prefix}-*")
                for kind in ("cluster", "service", "task-definition", "task")
            ],
        ),
        _allow(
            "Alarms",
            "cloudwatch:DeleteAlarms cloudwatch:PutMetricAlarm cloudwatch:TagResource"
            " cloudwatch:UntagResource",
            [scope.arn("cloudwatch", "alarm:*")],  # the root sets one name freely
        ),
        _allow(
            "Events",
            "events:DeleteRule events:PutRule events:PutTargets events:RemoveTargets"
            " events:TagResource events:UntagResource",
            [scope.arn("events", f"rule/{scope.prefix}-*")],
        ),
        _allow(
            "Logs",
            "logs:AssociateKmsKey logs:CreateLogGroup logs:DeleteLogGroup"
            " logs:DeleteMetricFilter logs:DeleteRetentionPolicy logs:DisassociateKmsKey"
            " logs:FilterLogEvents logs:GetLogEvents logs:PutMetricFilter logs:PutRetentionPolicy"
            " logs:TagResource logs:UntagResource",
            [
                scope.arn("logs", f"log-group:{group}*")
                for group in (
                    f"/ecs/{scope.prefix}",
                    f"/aws/events/{scope.prefix}",
                    f"/aws/rds/instance/{scope.prefix}",
                    "/aws/amazonmq/broker/",  # the ID of the broker follows
                )
            ],
        ),
    ]


def _files(scope: PolicyScope) -> list[dict[str, Any]]:
    """The state, and the buckets of the environment."""
    state = f"arn:aws:s3:::{scope.state_bucket}"
    names = [scope.files_bucket, *([f"{scope.name}-web-logs-*"] if scope.api else [])]
    buckets = [f"arn:aws:s3:::{name}" for name in names]
    settings = "s3:GetBucketVersioning s3:GetEncryptionConfiguration s3:ListBucket"
    return [
        _allow("State", settings, [state]),
        _allow("StateObjects", _OBJECTS, [f"{state}/*"]),
        _allow(
            "FilesBucket",
            f"{settings} s3:CreateBucket s3:DeleteBucket s3:DeleteBucketPolicy"
            " s3:GetAccelerateConfiguration s3:GetBucketAcl s3:GetBucketCORS s3:GetBucketLogging"
            " s3:GetBucketNotification s3:GetBucketObjectLockConfiguration"
            " s3:GetBucketOwnershipControls s3:GetBucketPolicy s3:GetBucketPublicAccessBlock"
            " s3:GetBucketRequestPayment s3:GetBucketTagging s3:GetBucketWebsite"
            " s3:GetLifecycleConfiguration s3:GetReplicationConfiguration s3:ListBucketVersions"
            " s3:PutBucketCORS s3:PutBucketLogging s3:PutBucketNotification"
            " s3:PutBucketOwnershipControls s3:PutBucketPolicy s3:PutBucketPublicAccessBlock"
            " s3:PutBucketTagging s3:PutBucketVersioning s3:PutEncryptionConfiguration"
            " s3:PutLifecycleConfiguration",
            buckets,
        ),
        _allow("Files", f"{_OBJECTS} s3:DeleteObjectVersion", [f"{each}/*" for each in buckets]),
    ]


def _services(scope: PolicyScope) -> list[dict[str, Any]]:
    """Parameters, broker, queues, database and images."""
    return [
        _allow(
            "Parameters",
            "ssm:AddTagsToResource ssm:DeleteParameter ssm:GetParameter ssm:GetParameters"
            " ssm:GetParametersByPath ssm:ListTagsForResource ssm:PutParameter"
            " ssm:RemoveTagsFromResource",
            [scope.arn("ssm", f"parameter/{scope.name}/*")],
        ),
        _allow(
            "Broker",
            "mq:CreateUser mq:DeleteBroker mq:DeleteConfiguration mq:DeleteUser mq:RebootBroker"
            " mq:UpdateBroker mq:UpdateConfiguration mq:UpdateUser",
            [
                scope.arn("mq", f"broker:{scope.prefix}-mq:*"),
                scope.arn("mq", "configuration:*"),  # only its ID is in the ARN
            ],
        ),
        _allow(
            "Queues",
            "sqs:ChangeMessageVisibility sqs:CreateQueue sqs:DeleteMessage sqs:DeleteQueue"
            " sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ListQueueTags sqs:ReceiveMessage"
            " sqs:SendMessage sqs:SetQueueAttributes sqs:TagQueue sqs:UntagQueue",
            [scope.arn("sqs", f"{scope.prefix}-*")],
        ),
        _allow(
            "Database",
            "rds:AddTagsToResource rds:CreateDBInstance rds:CreateDBParameterGroup"
            " rds:CreateDBSnapshot rds:CreateDBSubnetGroup rds:DeleteDBInstance"
            " rds:DeleteDBParameterGroup rds:DeleteDBSubnetGroup rds:ModifyDBInstance"
            " rds:ModifyDBParameterGroup rds:ModifyDBSubnetGroup rds:RebootDBInstance"
            " rds:RemoveTagsFromResource rds:ResetDBParameterGroup",
            [
                scope.arn("rds", f"{kind}:{scope.prefix}*")
                for kind in ("db", "pg", "snapshot", "subgrp")
            ],
        ),
        _allow(
            "Images",
            "ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:CompleteLayerUpload"
            " ecr:DescribeImages ecr:DescribeRepositories ecr:GetDownloadUrlForLayer"
            " ecr:InitiateLayerUpload ecr:ListImages ecr:PutImage ecr:UploadLayerPart",
            [scope.arn("ecr", f"repository/{scope.repository}")],
        ),
    ]


def _api(scope: PolicyScope) -> list[dict[str, Any]]:
    """Load balancer, certificate, web ACL and DNS records of the HTTP API, where there is one."""
    if not scope.api:
        return []
    balancer = f"app/{scope.prefix}-web/*"
    zone = f"arn:aws:route53:::hostedzone/{scope.zone_id}"
    return [
        _allow(
            "LoadBalancer",
            "elasticloadbalancing:AddTags elasticloadbalancing:CreateListener"
            " elasticloadbalancing:CreateLoadBalancer elasticloadbalancing:CreateTargetGroup"
            " elasticloadbalancing:DeleteListener elasticloadbalancing:DeleteLoadBalancer"
            " elasticloadbalancing:DeleteTargetGroup elasticloadbalancing:ModifyListener"
            " elasticloadbalancing:ModifyListenerAttributes"
            " elasticloadbalancing:ModifyLoadBalancerAttributes"
            " elasticloadbalancing:ModifyTargetGroup"
            " elasticloadbalancing:ModifyTargetGroupAttributes elasticloadbalancing:RemoveTags"
            " elasticloadbalancing:SetSecurityGroups elasticloadbalancing:SetSubnets"
            " elasticloadbalancing:SetWebACL",
            [
                scope.arn("elasticloadbalancing", f"loadbalancer/{balancer}"),
                scope.arn("elasticloadbalancing", f"listener/{balancer}"),
                scope.arn("elasticloadbalancing", f"targetgroup/{scope.name}-api-*"),
            ],
        ),
        _allow(
            "WebAcl",
            "wafv2:AssociateWebACL wafv2:CreateWebACL wafv2:DeleteWebACL"
            " wafv2:DisassociateWebACL wafv2:GetWebACL wafv2:GetWebACLForResource"
            " wafv2:ListTagsForResource wafv2:TagResource wafv2:UntagResource"
            " wafv2:UpdateWebACL",
            [
                scope.arn("wafv2", f"regional/webacl/{scope.prefix}-web/*"),
                scope.arn("wafv2", "regional/managedruleset/*"),  # that of AWS in the web ACL
                scope.arn("elasticloadbalancing", f"loadbalancer/{balancer}"),
            ],
        ),
        _allow(
            "Certificate",
            "acm:AddTagsToCertificate acm:DeleteCertificate acm:DescribeCertificate"
            " acm:ListTagsForCertificate acm:RemoveTagsFromCertificate acm:RequestCertificate",
            [scope.arn("acm", "certificate/*")],  # only its ID is in the ARN
        ),
        *([_allow("SharedWebAcl", _USE_WEB_ACL, [scope.web_acl_arn])] if scope.web_acl_arn else []),
        *([_allow("DnsRecords", _DNS, [zone])] if scope.zone_id else []),
        *([_allow("DnsChanges", "route53:GetChange", [_CHANGES])] if scope.zone_id else []),
    ]


def _redis(scope: PolicyScope) -> list[dict[str, Any]]:
    """The replication group of Redis, where there is one."""
    if not scope.redis:
        return []
    return [
        _allow(
            "Redis",
            "elasticache:AddTagsToResource elasticache:CreateCacheSubnetGroup"
            " elasticache:CreateReplicationGroup elasticache:DecreaseReplicaCount"
            " elasticache:DeleteCacheSubnetGroup elasticache:DeleteReplicationGroup"
            " elasticache:IncreaseReplicaCount elasticache:ModifyCacheSubnetGroup"
            " elasticache:ModifyReplicationGroup elasticache:RemoveTagsFromResource",
            [
                *(
                    scope.arn("elasticache", f"{kind}:{scope.prefix}-redis*")
                    for kind in ("cluster", "replicationgroup", "subnetgroup")
                ),
                scope.arn("elasticache", "parametergroup:default.*"),  # of the engine
            ],
        )
    ]


def _allow(
    sid: str, actions: str, resources: Sequence[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A statement; the actions are separated by spaces."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions.split()),
        "Resource": list(resources),
        **({"Condition": condition} if condition else {}),
    }


def _document(statements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
